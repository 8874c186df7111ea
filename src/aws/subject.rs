//! Which metrics CloudWatch has of what: one table, from which all queries are made.

use std::fmt;

use crate::scenario::LambdaFunction;

const SUM: &[&str] = &["Sum"];
const MAXIMUM: &[&str] = &["Maximum"];
const AVERAGE: &[&str] = &["Average"];
const P95: &[&str] = &["p95"];
const PERCENTILES: &[&str] = &["p50", "p95", "p99"];

/// Operations of a table, each with series of its own.
const OPERATIONS: [&str; 10] = [
    "GetItem",
    "PutItem",
    "UpdateItem",
    "DeleteItem",
    "Query",
    "Scan",
    "BatchGetItem",
    "BatchWriteItem",
    "TransactGetItems",
    "TransactWriteItems",
];

/// What has metrics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    /// Lambda in the whole account and region.
    Account,
    /// A function, or its alias alone.
    Function(LambdaFunction),
    /// A function's URL.
    FunctionUrl(LambdaFunction),
    /// A stage of a REST API.
    RestApi {
        /// The API's name, which its metrics go by; its id if the name is not ASCII.
        name: String,
        stage: String,
    },
    /// A stage of an HTTP API.
    HttpApi {
        /// The API's id.
        id: String,
        stage: String,
    },
    /// An application load balancer.
    LoadBalancer {
        /// The end of its ARN, `app/name/id`.
        id: String,
    },
    /// A `DynamoDB` table.
    Table(String),
    /// One operation of a `DynamoDB` table.
    TableOperation {
        table: String,
        operation: &'static str,
    },
    /// An RDS instance.
    Database(String),
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account => f.write_str("account"),
            Self::Function(function) | Self::FunctionUrl(function) => function.fmt(f),
            Self::RestApi { name: api, stage } | Self::HttpApi { id: api, stage } => {
                write!(f, "{api}/{stage}")
            }
            Self::LoadBalancer { id } | Self::Table(id) | Self::Database(id) => f.write_str(id),
            Self::TableOperation { table, operation } => write!(f, "{table} {operation}"),
        }
    }
}

impl Subject {
    /// The metric that counts its requests: if it has points, a series without any is zero.
    pub(super) fn anchor(&self) -> Option<&'static str> {
        match self {
            Self::Function(_) => Some("Invocations"),
            Self::FunctionUrl(_) => Some("UrlRequestCount"),
            Self::RestApi { .. } | Self::HttpApi { .. } => Some("Count"),
            Self::LoadBalancer { .. } => Some("RequestCount"),
            Self::Account | Self::Table(_) | Self::TableOperation { .. } | Self::Database(_) => {
                None
            }
        }
    }

    /// Itself and what it consists of.
    fn parts(&self) -> Vec<Self> {
        let mut parts = vec![self.clone()];
        if let Self::Table(table) = self {
            parts.extend(OPERATIONS.map(|operation| Self::TableOperation {
                table: table.clone(),
                operation,
            }));
        }
        parts
    }
}

/// Whose metric a row is, which decides its namespace and dimensions.
#[derive(Clone, Copy)]
enum Scope {
    Account,
    /// The function, whichever alias was called.
    Function,
    /// The alias if one is named, else the function.
    Invoked,
    /// An alias or version only.
    Alias,
    Url,
    Rest,
    Http,
    LoadBalancer,
    Table,
    TableOperation,
    Database,
}

/// One metric.
struct Row {
    scope: Scope,
    metric: &'static str,
    statistics: &'static [&'static str],
}

const fn row(scope: Scope, metric: &'static str, statistics: &'static [&'static str]) -> Row {
    Row {
        scope,
        metric,
        statistics,
    }
}

/// Every metric that is read.
const TABLE: &[Row] = &[
    row(Scope::Account, "ConcurrentExecutions", MAXIMUM),
    row(Scope::Account, "UnreservedConcurrentExecutions", MAXIMUM),
    row(Scope::Account, "ClaimedAccountConcurrency", MAXIMUM),
    row(Scope::Invoked, "Invocations", SUM),
    row(Scope::Invoked, "Errors", SUM),
    row(Scope::Invoked, "Throttles", SUM),
    row(
        Scope::Invoked,
        "Duration",
        &["p50", "p95", "p99", "Maximum"],
    ),
    row(Scope::Function, "ConcurrentExecutions", MAXIMUM),
    row(Scope::Alias, "ProvisionedConcurrencyInvocations", SUM),
    row(
        Scope::Alias,
        "ProvisionedConcurrencySpilloverInvocations",
        SUM,
    ),
    row(Scope::Alias, "ProvisionedConcurrencyUtilization", MAXIMUM),
    row(Scope::Url, "UrlRequestCount", SUM),
    row(Scope::Url, "Url4xxCount", SUM),
    row(Scope::Url, "Url5xxCount", SUM),
    row(Scope::Url, "UrlRequestLatency", &["Average", "Maximum"]),
    row(Scope::Rest, "Count", SUM),
    row(Scope::Rest, "4XXError", SUM),
    row(Scope::Rest, "5XXError", SUM),
    row(Scope::Rest, "Latency", PERCENTILES),
    row(Scope::Rest, "IntegrationLatency", PERCENTILES),
    row(Scope::Http, "Count", SUM),
    row(Scope::Http, "4xx", SUM),
    row(Scope::Http, "5xx", SUM),
    row(Scope::Http, "Latency", PERCENTILES),
    row(Scope::Http, "IntegrationLatency", PERCENTILES),
    row(Scope::Http, "DataProcessed", SUM),
    row(Scope::LoadBalancer, "RequestCount", SUM),
    row(Scope::LoadBalancer, "HTTPCode_ELB_5XX_Count", SUM),
    row(Scope::LoadBalancer, "HTTPCode_Target_5XX_Count", SUM),
    row(Scope::LoadBalancer, "LambdaUserError", SUM),
    row(Scope::LoadBalancer, "LambdaInternalError", SUM),
    row(Scope::LoadBalancer, "TargetResponseTime", P95),
    row(Scope::LoadBalancer, "ConsumedLCUs", SUM),
    row(Scope::Table, "ReadThrottleEvents", SUM),
    row(Scope::Table, "WriteThrottleEvents", SUM),
    row(Scope::Table, "ConsumedReadCapacityUnits", SUM),
    row(Scope::Table, "ConsumedWriteCapacityUnits", SUM),
    row(Scope::TableOperation, "ThrottledRequests", SUM),
    row(Scope::TableOperation, "SuccessfulRequestLatency", P95),
    row(Scope::Database, "CPUUtilization", MAXIMUM),
    row(Scope::Database, "DatabaseConnections", MAXIMUM),
    row(Scope::Database, "ReadLatency", AVERAGE),
    row(Scope::Database, "WriteLatency", AVERAGE),
];

impl Scope {
    fn namespace(self) -> &'static str {
        match self {
            Self::Account | Self::Function | Self::Invoked | Self::Alias | Self::Url => {
                "AWS/Lambda"
            }
            Self::Rest | Self::Http => "AWS/ApiGateway",
            Self::LoadBalancer => "AWS/ApplicationELB",
            Self::Table | Self::TableOperation => "AWS/DynamoDB",
            Self::Database => "AWS/RDS",
        }
    }

    /// The dimensions of a subject's series; none if the subject has no such metric.
    fn dimensions(self, subject: &Subject) -> Option<Vec<(&'static str, String)>> {
        let pair = |name: &'static str, value: &str| (name, value.to_owned());
        let named = |function: &LambdaFunction| vec![pair("FunctionName", &function.name)];
        Some(match (self, subject) {
            (Self::Account, Subject::Account) => Vec::new(),
            (Self::Function, Subject::Function(function)) => named(function),
            (Self::Alias, Subject::Function(function)) if function.qualifier.is_none() => {
                return None;
            }
            (Self::Invoked | Self::Alias, Subject::Function(function))
            | (Self::Url, Subject::FunctionUrl(function)) => {
                let mut dimensions = named(function);
                if function.qualifier.is_some() {
                    dimensions.push(("Resource", function.to_string()));
                }
                dimensions
            }
            (Self::Rest, Subject::RestApi { name, stage }) => {
                vec![pair("ApiName", name), pair("Stage", stage)]
            }
            (Self::Http, Subject::HttpApi { id, stage }) => {
                vec![pair("ApiId", id), pair("Stage", stage)]
            }
            (Self::LoadBalancer, Subject::LoadBalancer { id }) => {
                vec![pair("LoadBalancer", id)]
            }
            (Self::Table, Subject::Table(table)) => vec![pair("TableName", table)],
            (Self::TableOperation, Subject::TableOperation { table, operation }) => {
                vec![pair("TableName", table), pair("Operation", operation)]
            }
            (Self::Database, Subject::Database(id)) => vec![pair("DBInstanceIdentifier", id)],
            (_, _) => return None,
        })
    }
}

/// One series that is asked for.
pub(super) struct Query {
    pub(super) subject: Subject,
    pub(super) namespace: &'static str,
    pub(super) metric: &'static str,
    pub(super) statistic: &'static str,
    pub(super) dimensions: Vec<(&'static str, String)>,
}

/// All series of these subjects.
pub(super) fn queries(subjects: &[Subject]) -> Vec<Query> {
    let mut queries = Vec::new();
    for subject in subjects.iter().flat_map(Subject::parts) {
        for row in TABLE {
            let Some(dimensions) = row.scope.dimensions(&subject) else {
                continue;
            };
            queries.extend(row.statistics.iter().map(|statistic| Query {
                subject: subject.clone(),
                namespace: row.scope.namespace(),
                metric: row.metric,
                statistic,
                dimensions: dimensions.clone(),
            }));
        }
    }
    queries
}

#[cfg(test)]
mod tests {
    use super::*;

    fn orders(text: &str) -> Subject {
        Subject::Function(LambdaFunction::parse(text).unwrap())
    }

    fn dimensions(subjects: &[Subject], metric: &str) -> Vec<Vec<(&'static str, String)>> {
        let mut found = queries(subjects);
        found.retain(|query| query.metric == metric);
        found.into_iter().map(|query| query.dimensions).collect()
    }

    #[test]
    fn an_alias_has_a_resource_and_a_function_has_none() {
        let name = || ("FunctionName", "orders".to_owned());
        let resource = ("Resource", "orders:live".to_owned());
        let invocations = |text| dimensions(&[orders(text)], "Invocations");
        assert_eq!(invocations("orders"), [vec![name()]]);
        assert_eq!(invocations("orders:live"), [vec![name(), resource]]);
        let concurrency = dimensions(&[orders("orders:live")], "ConcurrentExecutions");
        assert_eq!(concurrency, [vec![name()]]);
        let spillover = "ProvisionedConcurrencySpilloverInvocations";
        assert_eq!(dimensions(&[orders("orders:live")], spillover).len(), 1);
        assert!(dimensions(&[orders("orders")], spillover).is_empty());
    }

    #[test]
    fn rest_goes_by_name_and_http_by_id() {
        let (id, stage) = ("a1".to_owned(), "prod".to_owned());
        let http = Subject::HttpApi {
            id: id.clone(),
            stage: stage.clone(),
        };
        let rest = Subject::RestApi {
            name: "Shop".to_owned(),
            stage: stage.clone(),
        };
        let stage = ("Stage", stage);
        assert_eq!(
            dimensions(&[http], "5xx"),
            [vec![("ApiId", id), stage.clone()]]
        );
        let name = ("ApiName", "Shop".to_owned());
        assert_eq!(dimensions(&[rest], "5XXError"), [vec![name, stage]]);
    }

    #[test]
    fn a_table_is_read_by_operation_too() {
        let table = [Subject::Table("orders".to_owned())];
        assert_eq!(dimensions(&table, "ConsumedReadCapacityUnits")[0].len(), 1);
        assert_eq!(
            dimensions(&table, "ThrottledRequests").len(),
            OPERATIONS.len()
        );
        assert_eq!(dimensions(&table, "ThrottledRequests")[0].len(), 2);
    }
}
