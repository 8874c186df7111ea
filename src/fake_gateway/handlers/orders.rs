//! The cart, the checkout, and the orders that come of them. Nothing is kept: each response is made up from its request.

use super::payload::Payload;
use super::{Call, Reply, limit, malformed, parameter, price};
use serde_json::json;

pub(super) fn list_orders(call: &Call) -> Result<Reply, Reply> {
    let status = parameter(call.query, "status").unwrap_or("open".into());
    if !["open", "shipped", "delivered", "cancelled"].contains(&&*status) {
        return Err(malformed(
            "`status` must be open, shipped, delivered or cancelled",
        ));
    }
    let orders: Vec<_> = (0..limit(call.query, 10)?)
        .map(|place| {
            let number = 70_000 + place * 31;
            json!({
                "orderId": format!("ord-{number}"),
                "status": status,
                "total": price(number),
                "currency": "USD",
            })
        })
        .collect();
    Ok(Reply::ok(
        &json!({ "count": orders.len(), "orders": orders }),
    ))
}

pub(super) fn add_to_cart(call: &Call, index: u64) -> Result<Reply, Reply> {
    let body = Payload::parse(call.body)?;
    Ok(Reply::ok(&json!({
        "cartId": format!("cart-{index:06}"),
        "customerId": body.filled("/customerId")?,
        "items": [{ "sku": body.sku("/item/sku")?, "quantity": body.quantity("/item/quantity")? }],
    })))
}

pub(super) fn check_out(call: &Call, index: u64) -> Result<Reply, Reply> {
    let body = Payload::parse(call.body)?;
    let token: Vec<char> = body.filled("/paymentMethod/token")?.chars().collect();
    let last_four: String = token[token.len().saturating_sub(4)..].iter().collect();
    let currency = body.text("/currency", "must look like USD", |text| {
        text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase())
    })?;
    Ok(Reply::ok(&json!({
        "orderId": format!("ord-{index:06}"),
        "status": "confirmed",
        "customerId": body.filled("/customerId")?,
        "total": 129.9,
        "tax": 10.4,
        "currency": currency,
        "payment": { "type": body.filled("/paymentMethod/type")?, "lastFour": last_four },
        "shippingAddress": {
            "name": body.filled("/shippingAddress/name")?,
            "line1": body.filled("/shippingAddress/line1")?,
            "city": body.filled("/shippingAddress/city")?,
            "state": body.filled("/shippingAddress/state")?,
            "postalCode": body.filled("/shippingAddress/postalCode")?,
            "country": body.filled("/shippingAddress/country")?,
        },
    })))
}

#[cfg(test)]
mod tests {
    use super::super::{Function, tests};
    use super::*;
    use serde_json::Value;
    use tests::{answer, assert_refused, call, post};

    fn cart() -> Value {
        json!({ "customerId": "cust-1234", "item": { "sku": "SKU-20491", "quantity": 2 } })
    }

    fn checkout() -> Value {
        json!({
            "customerId": "cust-1234",
            "paymentMethod": { "type": "card", "token": "tok_visa_4242" },
            "shippingAddress": {
                "name": "Taylor Smith",
                "line1": "100 Market St",
                "city": "San Francisco",
                "state": "CA",
                "postalCode": "94105",
                "country": "US",
            },
            "currency": "USD",
        })
    }

    #[test]
    fn orders_are_listed_by_status_and_number() {
        for (query, expected) in [("status=open&limit=3", 3), ("status=shipped", 10), ("", 10)] {
            let (status, body) = answer(&Call {
                query,
                ..call(Function::ListOrders)
            });
            let orders = body["orders"].as_array().unwrap().len();
            assert_eq!((status, orders), (200, expected), "{query}");
        }
        let query = "status=lost";
        assert_eq!(
            answer(&Call {
                query,
                ..call(Function::ListOrders)
            })
            .0,
            400
        );
    }

    #[test]
    fn the_guide_s_cart_and_checkout_are_accepted() {
        let (status, body) = post(Function::AddToCart, &cart());
        assert_eq!((status, &body["items"]), (200, &json!([cart()["item"]])));
        let (status, body) = post(Function::CheckOut, &checkout());
        assert_eq!(
            (status, &body["payment"]["lastFour"]),
            (200, &json!("4242"))
        );
    }

    #[test]
    fn a_cart_with_a_wrong_field_is_refused() {
        for (field, wrong) in [
            ("/customerId", json!(7)),
            ("/item", Value::Null),
            ("/item/sku", json!("SKU-1")),
            ("/item/quantity", json!(0)),
        ] {
            assert_refused(Function::AddToCart, cart(), field, wrong);
        }
    }

    #[test]
    fn a_checkout_with_a_wrong_field_is_refused() {
        for (field, wrong) in [
            ("/customerId", json!("")),
            ("/paymentMethod/token", json!(" ")),
            ("/shippingAddress/city", Value::Null),
            ("/currency", json!("dollars")),
        ] {
            assert_refused(Function::CheckOut, checkout(), field, wrong);
        }
    }
}
