//! What limits the load: concurrency of the account and its functions, rates of the gateway, and their configuration.
//!
//! A call that is refused leaves its figure open and its error in a list.

use serde_json::Value;

use super::client::{Call, Client, Message, Service, encoded};
use super::error::Error;
use crate::scenario::{Aws, Front, LambdaFunction};

/// Executions at the same time, in the account and region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Concurrency {
    /// Of all functions together.
    pub(super) all: Option<u64>,
    /// Of those without a reservation.
    pub(super) unreserved: Option<u64>,
}

/// Environments that are kept ready for an alias or version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Provisioned {
    /// The alias or version.
    pub(super) qualifier: Option<String>,
    /// How many there should be.
    pub(super) requested: Option<u64>,
    /// `READY`, `IN_PROGRESS` or `FAILED`.
    pub(super) status: Option<String>,
}

/// How a function is configured.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct FunctionConfiguration {
    /// Memory in MB.
    pub(super) memory_mb: Option<u64>,
    /// The longest execution in seconds.
    pub(super) timeout_s: Option<u64>,
    /// `x86_64` or `arm64`.
    pub(super) architecture: Option<String>,
    /// `Active` if it can be invoked.
    pub(super) state: Option<String>,
    /// `InProgress` during a deployment.
    pub(super) last_update_status: Option<String>,
    /// `WARN` hides the reports of successful invocations.
    pub(super) system_log_level: Option<String>,
    pub(super) log_group: Option<String>,
    /// Whether its lines are JSON.
    pub(super) logs_json: bool,
    /// Whether it runs on managed instances, which are billed by instance.
    pub(super) is_on_instances: bool,
}

/// What is known of one function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FunctionLimits {
    pub(super) function: LambdaFunction,
    /// Executions that are reserved for it, and its ceiling; with none it is off.
    pub(super) reserved: Option<u64>,
    /// Environments that are kept ready, of all its aliases and versions.
    pub(super) provisioned: Option<Vec<Provisioned>>,
    /// How it is configured.
    pub(super) configuration: Option<FunctionConfiguration>,
}

/// A rate of requests that a gateway accepts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Throttle {
    /// Requests per second.
    pub(super) rate: Option<f64>,
    /// Requests at once.
    pub(super) burst: Option<f64>,
}

/// What is known of a stage.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Stage {
    /// The limit of each method or route that has none of its own.
    pub(super) throttle: Option<Throttle>,
    /// The template of a line of the access log.
    pub(super) access_log_format: Option<String>,
    /// The ARN of the access log's group or delivery stream.
    pub(super) access_log_destination: Option<String>,
}

/// The API in front of the functions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Api {
    pub(super) kind: ApiKind,
    pub(super) id: String,
    pub(super) stage: String,
}

/// The kinds of APIs that API Gateway has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ApiKind {
    /// A REST API.
    Rest,
    /// An HTTP API.
    Http,
}

impl Api {
    /// The API that a target's address belongs to, if it is one of API Gateway.
    pub(super) fn of(front: &Front) -> Option<Self> {
        let (kind, id, stage) = match front {
            Front::Rest { id, stage } => (ApiKind::Rest, id, stage),
            Front::Http { id, stage } => (ApiKind::Http, id, stage),
            Front::FunctionUrl | Front::LoadBalancer(_) => return None,
        };
        Some(Self {
            kind,
            id: id.clone(),
            stage: stage.clone(),
        })
    }
}

/// What the account allows.
#[derive(Debug)]
pub(super) struct Account {
    /// Executions of the account.
    pub(super) concurrency: Option<Concurrency>,
    /// The functions, in the order asked for.
    pub(super) functions: Vec<FunctionLimits>,
    /// The gateway's limit for the account; read only if there is an API.
    pub(super) gateway: Option<Throttle>,
    /// The API's stage.
    pub(super) stage: Option<Stage>,
    /// The name of a REST API, which its metrics go by; its id if the name is not ASCII.
    pub(super) rest_name: Option<String>,
    /// Why figures are missing.
    pub(super) refused: Vec<Error>,
}

impl Account {
    /// Reads what limits these services.
    pub(super) fn read(client: &Client<'_>, services: &Aws) -> Self {
        let api = Api::of(&services.front);
        let api = api.as_ref();
        let mut reader = Reader {
            client,
            refused: Vec::new(),
        };
        Self {
            concurrency: reader.concurrency(),
            functions: services
                .functions
                .iter()
                .map(|function| reader.function(function))
                .collect(),
            gateway: api.and_then(|_| reader.gateway()),
            stage: api.and_then(|api| reader.stage(api)),
            rest_name: api.and_then(|api| reader.rest_name(api)),
            refused: reader.refused,
        }
    }
}

/// Reads one figure after another, and collects why some are missing.
struct Reader<'r, 'c> {
    client: &'r Client<'c>,
    refused: Vec<Error>,
}

impl Reader<'_, '_> {
    fn get(
        &mut self,
        service: Service,
        action: &'static str,
        resource: String,
        path: String,
    ) -> Option<Value> {
        if self.refused.last().is_some_and(Error::is_of_all_calls) {
            return None;
        }
        let answer = self.client.call(&Call {
            service,
            action,
            resource,
            message: Message::Get(path),
        });
        answer.map_err(|error| self.refused.push(error)).ok()
    }

    fn concurrency(&mut self) -> Option<Concurrency> {
        let answer = self.get(
            Service::Lambda,
            "lambda:GetAccountSettings",
            "*".to_owned(),
            "/2016-08-19/account-settings".to_owned(),
        )?;
        Some(Concurrency {
            all: number(&answer, "/AccountLimit/ConcurrentExecutions"),
            unreserved: number(&answer, "/AccountLimit/UnreservedConcurrentExecutions"),
        })
    }

    fn function(&mut self, function: &LambdaFunction) -> FunctionLimits {
        let name = encoded(&function.name);
        let resource = format!("*:function:{}*", function.name);
        let arn = self.client.arn("lambda", &resource);
        let qualifier = function.qualifier.as_deref();
        let qualifier = qualifier.map(|qualifier| format!("?Qualifier={}", encoded(qualifier)));
        let qualifier = qualifier.unwrap_or_default();
        let mut get = |action, path: String| self.get(Service::Lambda, action, arn.clone(), path);
        let reserved = get(
            "lambda:GetFunctionConcurrency",
            format!("/2019-09-30/functions/{name}/concurrency"),
        );
        let provisioned = get(
            "lambda:ListProvisionedConcurrencyConfigs",
            format!("/2019-09-30/functions/{name}/provisioned-concurrency?List=ALL"),
        );
        let configuration = get(
            "lambda:GetFunctionConfiguration",
            format!("/2015-03-31/functions/{name}/configuration{qualifier}"),
        );
        FunctionLimits {
            function: function.clone(),
            reserved: reserved.and_then(|answer| number(&answer, "/ReservedConcurrentExecutions")),
            provisioned: provisioned.map(|answer| {
                let all = answer["ProvisionedConcurrencyConfigs"].as_array();
                all.into_iter().flatten().map(Provisioned::of).collect()
            }),
            configuration: configuration.map(|answer| FunctionConfiguration::of(&answer)),
        }
    }

    /// A resource of the gateway. All kinds share one action.
    fn gateway_resource(&mut self, service: Service, path: String) -> Option<Value> {
        let plain = path.strip_prefix("/v2").unwrap_or(&path);
        let arn = self.client.arn("apigateway", &format!(":{plain}"));
        self.get(service, "apigateway:GET", arn, path)
    }

    fn gateway(&mut self) -> Option<Throttle> {
        let answer = self.gateway_resource(Service::ApiGateway, "/account".to_owned())?;
        Throttle::of(
            &answer,
            "/throttleSettings/rateLimit",
            "/throttleSettings/burstLimit",
        )
    }

    fn stage(&mut self, api: &Api) -> Option<Stage> {
        let (service, root) = match api.kind {
            ApiKind::Rest => (Service::ApiGateway, "/restapis"),
            ApiKind::Http => (Service::ApiGatewayV2, "/v2/apis"),
        };
        let (id, stage) = (encoded(&api.id), encoded(&api.stage));
        let answer = self.gateway_resource(service, format!("{root}/{id}/stages/{stage}"))?;
        Some(Stage::of(&answer))
    }

    fn rest_name(&mut self, api: &Api) -> Option<String> {
        if api.kind != ApiKind::Rest {
            return None;
        }
        let path = format!("/restapis/{}", encoded(&api.id));
        let name = text(&self.gateway_resource(Service::ApiGateway, path)?, "/name")?;
        Some(if name.is_ascii() {
            name
        } else {
            api.id.clone()
        })
    }
}

impl FunctionLimits {
    /// What is kept ready of the alias or version that is called.
    pub(super) fn kept_ready(&self) -> Option<&Provisioned> {
        let mut provisioned = self.provisioned.iter().flatten();
        provisioned.find(|own| own.qualifier == self.function.qualifier)
    }
}

impl Provisioned {
    fn of(answer: &Value) -> Self {
        let arn = text(answer, "/FunctionArn");
        let function = arn.and_then(|arn| LambdaFunction::parse(&arn));
        Self {
            qualifier: function.and_then(|function| function.qualifier),
            requested: number(answer, "/RequestedProvisionedConcurrentExecutions"),
            status: text(answer, "/Status"),
        }
    }
}

impl FunctionConfiguration {
    fn of(answer: &Value) -> Self {
        Self {
            memory_mb: number(answer, "/MemorySize"),
            timeout_s: number(answer, "/Timeout"),
            architecture: text(answer, "/Architectures/0"),
            state: text(answer, "/State"),
            last_update_status: text(answer, "/LastUpdateStatus"),
            system_log_level: text(answer, "/LoggingConfig/SystemLogLevel"),
            log_group: text(answer, "/LoggingConfig/LogGroup"),
            logs_json: answer["LoggingConfig"]["LogFormat"] == "JSON",
            is_on_instances: answer["CapacityProviderConfig"].is_object(),
        }
    }
}

impl Throttle {
    /// The limit at these places; a negative one is none.
    fn of(answer: &Value, rate: &str, burst: &str) -> Option<Self> {
        let limit = |place: &str| {
            answer
                .pointer(place)?
                .as_f64()
                .filter(|limit| *limit >= 0.0)
        };
        let (rate, burst) = (limit(rate), limit(burst));
        (rate.is_some() || burst.is_some()).then_some(Self { rate, burst })
    }
}

impl Stage {
    /// A stage, as either kind of API has it.
    fn of(answer: &Value) -> Self {
        let throttle =
            |settings| Throttle::of(settings, "/throttlingRateLimit", "/throttlingBurstLimit");
        Self {
            throttle: throttle(&answer["defaultRouteSettings"])
                .or_else(|| throttle(&answer["methodSettings"]["*/*"])),
            access_log_format: text(answer, "/accessLogSettings/format"),
            access_log_destination: text(answer, "/accessLogSettings/destinationArn"),
        }
    }
}

fn number(answer: &Value, place: &str) -> Option<u64> {
    answer.pointer(place)?.as_u64()
}

fn text(answer: &Value, place: &str) -> Option<String> {
    Some(answer.pointer(place)?.as_str()?.to_owned())
}
