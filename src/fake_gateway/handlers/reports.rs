//! The preview of a report.

use super::payload::Payload;
use super::{Call, Reply, malformed, price};
use jiff::civil::Date;
use serde_json::json;

const TYPES: [&str; 3] = ["sales_summary", "inventory_snapshot", "customer_activity"];

pub(super) fn generate_preview(call: &Call) -> Result<Reply, Reply> {
    let body = Payload::parse(call.body)?;
    let is_date = |text: &str| text.parse::<Date>().is_ok();
    let day = |pointer| body.text(pointer, "must look like 2026-03-31", is_date);
    let (start, end) = (day("/dateRange/start")?, day("/dateRange/end")?);
    if start.parse::<Date>().ok() > end.parse().ok() {
        return Err(malformed("a date range must not end before it starts"));
    }
    let rows: Vec<_> = (1..=5_u32)
        .map(|rank| json!({ "rank": rank, "orders": 940 / rank, "revenue": price(rank * 7_919) }))
        .collect();
    Ok(Reply::ok(&json!({
        "reportId": body.text("/reportId", "must be a UUID", is_uuid)?,
        "reportType": body.one_of("/reportType", &TYPES)?,
        "dateRange": { "start": start, "end": end },
        "filters": {
            "region": body.filled("/filters/region")?,
            "channel": body.one_of("/filters/channel", &["web", "mobile", "partner"])?,
        },
        "format": body.one_of("/format", &["json"])?,
        "status": "preview",
        "rows": rows,
    })))
}

/// Whether a text is 32 hexadecimal digits in groups of 8, 4, 4, 4 and 12.
fn is_uuid(text: &str) -> bool {
    let hexadecimal = |byte: u8| byte == b'-' || byte.is_ascii_hexdigit();
    text.split('-').map(str::len).eq([8, 4, 4, 4, 12]) && text.bytes().all(hexadecimal)
}

#[cfg(test)]
mod tests {
    use super::super::{Function, tests};
    use super::*;
    use serde_json::Value;
    use tests::{assert_refused, post};

    fn preview() -> Value {
        json!({
            "reportId": "0b7c4d1e-89ab-4cde-8f01-23456789abcd",
            "reportType": "sales_summary",
            "dateRange": { "start": "2026-03-01", "end": "2026-03-31" },
            "filters": { "region": "us-east-1", "channel": "web" },
            "format": "json",
        })
    }

    #[test]
    fn the_guide_s_preview_is_accepted_and_told_back() {
        let (status, body) = post(Function::GeneratePreview, &preview());
        assert_eq!(status, 200);
        for (field, value) in preview().as_object().unwrap() {
            assert_eq!(&body[field], value);
        }
    }

    #[test]
    fn a_preview_with_a_wrong_field_is_refused() {
        for (field, wrong) in [
            ("/reportId", json!("1")),
            ("/reportType", json!("gossip")),
            ("/dateRange/start", json!("March")),
            ("/dateRange/end", json!("2026-02-30")),
            ("/dateRange/end", json!("2026-02-01")),
            ("/filters/channel", json!("fax")),
            ("/filters/region", Value::Null),
            ("/format", json!("pdf")),
        ] {
            assert_refused(Function::GeneratePreview, preview(), field, wrong);
        }
    }
}
