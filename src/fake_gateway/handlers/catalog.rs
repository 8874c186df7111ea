//! The catalogue, open to everyone.

use super::payload::is_sku;
use super::{Call, Reply, limit, parameter, price};
use hyper::StatusCode;
use serde_json::json;

pub(super) fn list_items(call: &Call) -> Result<Reply, Reply> {
    let category = parameter(call.query, "category").unwrap_or("all".into());
    let items: Vec<_> = (0..limit(call.query, 20)?)
        .map(|place| {
            let number = 10_000 + place * 229;
            json!({
                "sku": format!("SKU-{number}"),
                "name": format!("Item {number}"),
                "price": price(number),
            })
        })
        .collect();
    Ok(Reply::ok(
        &json!({ "category": category, "count": items.len(), "items": items }),
    ))
}

pub(super) fn get_item(call: &Call) -> Result<Reply, Reply> {
    let unknown = || Reply::message(StatusCode::NOT_FOUND, "Item not found");
    let digits = call.id.strip_prefix("SKU-").filter(|_| is_sku(call.id));
    let number = digits.and_then(|digits| digits.parse().ok());
    let number = number.ok_or_else(unknown)?;
    Ok(Reply::ok(&json!({
        "sku": call.id,
        "name": format!("Item {number}"),
        "description": "An item that the stand-in has in stock, however often it is asked for.",
        "price": price(number),
        "currency": "USD",
        "stock": number % 97 + 1,
    })))
}

#[cfg(test)]
mod tests {
    use super::super::{Function, tests};
    use super::*;
    use tests::{answer, call};

    #[test]
    fn a_page_of_twenty_weighs_about_1200_bytes() {
        let query = "category=electronics&limit=20";
        let page = list_items(&Call {
            query,
            ..call(Function::ListItems)
        })
        .unwrap();
        assert!(
            (1_100..1_300).contains(&page.body.len()),
            "{}",
            page.body.len()
        );
    }

    #[test]
    fn a_page_is_as_long_as_asked_for() {
        for (query, expected) in [("", 20), ("limit=1", 1), ("category=a%20b&limit=100", 100)] {
            let (status, body) = answer(&Call {
                query,
                ..call(Function::ListItems)
            });
            let items = body["items"].as_array().unwrap().len();
            assert_eq!((status, items), (200, expected), "{query}");
        }
    }

    #[test]
    fn an_impossible_length_is_refused() {
        for query in ["limit=0", "limit=101", "limit=many", "limit=-1", "limit="] {
            assert_eq!(
                answer(&Call {
                    query,
                    ..call(Function::ListItems)
                })
                .0,
                400,
                "{query}"
            );
        }
    }

    #[test]
    fn an_item_is_known_by_its_sku_and_by_nothing_else() {
        for (id, expected) in [
            ("SKU-10458", 200),
            ("SKU-1045", 404),
            ("SKU-1045x", 404),
            ("SKU-é458", 404),
            ("sku-10458", 404),
            ("%00", 404),
        ] {
            assert_eq!(
                answer(&Call {
                    id,
                    ..call(Function::GetItem)
                })
                .0,
                expected,
                "{id}"
            );
        }
    }
}
