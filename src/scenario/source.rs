//! The keys of scenario.yml. Each key stands here once: its doc comment is its description in the JSON Schema.

use std::time::Duration;

use serde_json::json;

use super::aws::OnLimits;
use super::collections::{Arguments, Block, Data, IncludePaths, Items, Methods, RepeatedPhase};
use super::expectation::Wanted;
use super::fields::{
    BodyPath, CaptureSource, Count, Headers, KnownDuration, KnownWhole, PhaseName, Rate, Redirects,
    RequestName, RowsFile, StatusCode, Target, Text, Timeout, TraceShare, Weight,
};
use super::header_names::HeaderName;
use super::model::{HttpVersion, RowOrder, Spacing};
use super::step::Pause;
use super::{misplaced, rules};
use crate::units::Dollars;
use crate::yaml::{Cursor, Line, Located, Map, Name, OneOrMany, source};

source! {
    /// What is sent: scenario.yml of a gate.
    /// `loadgate validate` also checks references between parts of the file, such as names of variables.
    #[misplaced(misplaced::IN_FILE)]
    struct File<'d> {
        /// Files whose sections are merged below those of this file
        include: Option<IncludePaths>,
        /// Name of the gate
        name: Name,
        /// Address of the deployment; `--target` takes precedence
        target: Option<Target>,
        /// Values that expressions can use; `--set` takes precedence
        variables: Map<'d, Cursor<'d>>,
        /// Targets and variables by name; `--environment` selects one
        environments: Map<'d, Environment<'d>>,
        /// Files of rows, by the name that expressions use for a row
        data: Map<'d, Data<'d>>,
        /// Settings of every request that does not override them
        defaults: Option<Defaults<'d>>,
        /// The users: what they send, and how often
        user_classes: Items<'d, Class<'d>>,
        /// The phases: when load is sent, and how much
        load: Items<'d, Block<'d>>,
        /// How the target marks a cold start
        cold_start: Option<ColdStart>,
        /// The AWS services behind the target, whose own figures are fetched after the load
        aws: Option<Located<'d, Aws<'d>>>,
    }

    /// The AWS services behind the target
    struct Aws<'d> {
        /// Region; that of the environment by default
        region: Option<Line>,
        /// Lambda functions: a name, NAME:ALIAS or an ARN
        functions: Option<OneOrMany<Located<'d, Line>>>,
        /// What the target's address belongs to; a function's URL by default
        api: Option<Located<'d, Api>>,
        /// Tables of `DynamoDB`
        tables: Option<OneOrMany<Located<'d, Line>>>,
        /// RDS instances
        databases: Option<OneOrMany<Located<'d, Line>>>,
        /// What becomes of a load that runs into limits of the account, the functions or the API
        limits: Option<OnLimits>,
        /// The most that a run may cost; a load that is known to cost more is refused, and a run stops at it
        budget: Option<Dollars>,
        /// The longest that late metrics and logs are waited for; 3m by default, 0s fetches nothing
        wait: Option<Located<'d, Duration>>,
        /// Share of the requests that ask X-Ray to record them, at most 10%; none by default. Recorded traces cost money
        trace: Option<Located<'d, TraceShare>>,
    }

    /// API Gateway or a load balancer
    #[rules(rules::exactly_one(&["rest", "http", "alb"]))]
    struct Api {
        /// Id of a REST API
        rest: Option<Line>,
        /// Id of an HTTP API
        http: Option<Line>,
        /// An Application Load Balancer, as app/name/id
        alb: Option<Line>,
        /// Stage of the API; $default for an HTTP API
        stage: Option<Line>,
    }

    /// A deployment and its variables
    struct Environment<'d> {
        /// Address of the deployment
        target: Option<Target>,
        /// Values of variables; they take precedence over those of the file
        variables: Map<'d, Cursor<'d>>,
    }

    /// A file of rows and their order
    struct OrderedRows<'d> {
        /// A file that ends in .csv or .json
        file: RowsFile<'d>,
        /// Which row comes next
        order: Option<RowOrder>,
    }

    /// Settings of every request
    struct Defaults<'d> {
        /// The longest time that a request may take
        timeout: Option<Timeout>,
        /// Version of HTTP
        http: Option<HttpVersion>,
        /// Headers, which may contain {{ expressions }}
        headers: Headers<'d>,
        /// What a response must be
        expect: Option<Located<'d, Expect<'d>>>,
        /// Redirects that are followed within the origin of the target; none by default
        redirects: Option<Redirects>,
        /// Whether users keep cookies
        cookies: Option<bool>,
    }

    /// How the target marks a response that a cold start delayed
    struct ColdStart {
        /// The response header
        header: HeaderName,
        /// Its value after a cold start
        equals: Line,
    }

    /// A class of users
    #[misplaced(misplaced::IN_CLASS)]
    struct Class<'d> {
        /// Name of the class
        name: Name,
        /// Share of the users, relative to the other classes
        weight: Option<Weight>,
        /// Pause after every task
        wait: Option<Pause>,
        /// Headers, which may contain {{ expressions }}
        headers: Headers<'d>,
        /// How requests authenticate; left out while a value of it is unset
        auth: Option<Located<'d, Auth<'d>>>,
        /// Whether users keep cookies
        cookies: Option<bool>,
        /// Steps once per user, before its first task
        on_start: Option<Items<'d, Step<'d>>>,
        /// Tasks, of which one is drawn by weight each time
        tasks: Items<'d, Task<'d>>,
    }

    /// How requests authenticate
    #[rules(json!({ "minProperties": 1 }))]
    struct Auth<'d> {
        /// Token of `Authorization: Bearer`
        bearer: Option<Text<'d>>,
        /// Credentials of `Authorization: Basic`
        basic: Option<Basic<'d>>,
        /// A key in a header or in the query
        api_key: Option<Located<'d, ApiKey<'d>>>,
        /// An AWS signature, version 4
        aws_sigv4: Option<Located<'d, AwsSigV4<'d>>>,
    }

    struct Basic<'d> {
        /// The user name
        username: Text<'d>,
        /// The password
        password: Text<'d>,
    }

    #[rules(rules::exactly_one(&["header", "query"]))]
    struct ApiKey<'d> {
        /// Name of the header
        header: Option<HeaderName>,
        /// Name of the query parameter
        query: Option<Line>,
        /// The key
        value: Text<'d>,
    }

    struct AwsSigV4<'d> {
        /// Region of the service
        region: Text<'d>,
        /// The service, such as execute-api or lambda
        service: Text<'d>,
        /// Access key ID; `AWS_ACCESS_KEY_ID` by default
        access_key: Option<Text<'d>>,
        /// Secret access key; `AWS_SECRET_ACCESS_KEY` by default
        secret_key: Option<Text<'d>>,
        /// Session token of temporary credentials; `AWS_SESSION_TOKEN` by default
        session_token: Option<Text<'d>>,
    }

    /// A task: steps that run in order
    #[misplaced(misplaced::IN_TASK)]
    struct Task<'d> {
        /// How often the task is drawn, relative to the others
        weight: Option<Weight>,
        /// Values that hold for one pass
        set: Map<'d, Cursor<'d>>,
        /// Whether a failed step ends the pass
        stop_on_failure: Option<bool>,
        /// The steps, in order
        steps: Items<'d, Step<'d>>,
    }

    /// A request, a pause (`think`) or a program (`command`)
    #[misplaced(misplaced::IN_STEP)]
    #[expected("a step such as 'get: /items'")]
    #[rules(rules::step())]
    struct Step<'d> {
        ..methods: Methods<'d>,
        /// A pause
        think: Option<Pause>,
        /// A program and its arguments; requires --allow-commands
        command: Option<Arguments<'d>>,
        /// Name under which statistics of the request are kept
        name: Option<RequestName>,
        /// Query parameters
        query: Map<'d, Text<'d>>,
        /// Headers, which may contain {{ expressions }}
        headers: Headers<'d>,
        /// A JSON body
        json: Option<Cursor<'d>>,
        /// A form body; a field with a list is sent once per item
        form: Option<Map<'d, OneOrMany<Text<'d>>>>,
        /// A text body
        raw: Option<Text<'d>>,
        /// A file whose bytes are the body
        file: Option<Located<'d, Line>>,
        /// What the response must be
        expect: Option<Located<'d, Expect<'d>>>,
        /// Values taken from the response, by the name of a variable
        capture: Option<Map<'d, CaptureSource<'d>>>,
        /// The longest time that the request or the program may take
        timeout: Option<Timeout>,
        /// Redirects that are followed within the origin of the target
        redirects: Option<Redirects>,
        /// Condition of the step: an expression that is true or false
        when: Option<Text<'d>>,
    }

    /// What a response must be
    #[rules(json!({ "minProperties": 1 }))]
    struct Expect<'d> {
        /// Accepted statuses; all below 400 by default
        status: Option<OneOrMany<StatusCode>>,
        /// Values in a JSON body, by JSONPath: a value, { equals: … }, { contains: … } or { exists: true | false }
        json: Option<Map<'d, Cursor<'d>, BodyPath>>,
        /// Values of headers: a text, { contains: … } or { exists: true | false }
        header: Option<Map<'d, Wanted<Text<'d>>, HeaderName>>,
        /// Texts that the body must contain
        body: Option<OneOrMany<Text<'d>>>,
    }

    #[rules(json!({ "minProperties": 1, "maxProperties": 1 }))]
    struct HeaderOperator<'d> {
        /// Text that the header must contain
        contains: Option<Text<'d>>,
        /// Whether the header must be there
        exists: Option<bool>,
    }

    /// A phase
    #[misplaced(misplaced::IN_PHASE)]
    #[rules(rules::phase())]
    struct LoadPhase<'d> {
        /// Name of the phase
        phase: Located<'d, PhaseName>,
        /// Closed model: this many concurrent users
        users: Option<Count<'d>>,
        /// Open model: tasks start at this rate
        arrivals: Option<Rate<'d>>,
        /// Spacing of arrivals
        spacing: Option<Located<'d, Spacing>>,
        /// The most users that arrivals may occupy
        max_users: Option<KnownWhole<'d>>,
        /// Duration of the phase
        r#for: KnownDuration<'d>,
        /// Whether limits and regression checks use the phase
        measure: Option<bool>,
    }

    /// Phases that run several times
    struct Repeat<'d> {
        /// How often
        repeat: KnownWhole<'d>,
        /// The phases of one pass
        phases: Items<'d, RepeatedPhase<'d>>,
    }
}
