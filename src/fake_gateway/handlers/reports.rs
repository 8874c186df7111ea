//! The preview of a report.

use super::texts::{Filled, Uuid};
use super::{Call, Reply, payload, price};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::json;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Preview {
    report_id: Uuid,
    report_type: ReportType,
    date_range: DateRange,
    filters: Filters,
    format: Format,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ReportType {
    SalesSummary,
    InventorySnapshot,
    CustomerActivity,
}

#[derive(Serialize, Deserialize)]
struct Filters {
    region: Filled,
    channel: Channel,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Channel {
    Web,
    Mobile,
    Partner,
}

/// A preview is written in one way.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Format {
    Json,
}

/// From a day to the same or a later one.
#[derive(Serialize, Deserialize)]
#[serde(try_from = "Days")]
struct DateRange {
    start: String,
    end: String,
}

#[derive(Deserialize)]
struct Days {
    start: String,
    end: String,
}

impl TryFrom<Days> for DateRange {
    type Error = &'static str;

    fn try_from(Days { start, end }: Days) -> Result<Self, Self::Error> {
        let day = |text: &str| {
            text.parse::<Date>()
                .map_err(|_| "a date must look like 2026-03-31")
        };
        if day(&start)? > day(&end)? {
            return Err("a date range must not end before it starts");
        }
        Ok(Self { start, end })
    }
}

pub(super) fn generate_preview(call: &Call) -> Result<Reply, Reply> {
    let preview: Preview = payload(call.body)?;
    let rows: Vec<_> = (1..=5_u32)
        .map(|rank| json!({ "rank": rank, "orders": 940 / rank, "revenue": price(rank * 7_919) }))
        .collect();
    Ok(Reply::ok(&json!({
        "reportId": preview.report_id,
        "reportType": preview.report_type,
        "dateRange": preview.date_range,
        "filters": preview.filters,
        "format": preview.format,
        "status": "preview",
        "rows": rows,
    })))
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
