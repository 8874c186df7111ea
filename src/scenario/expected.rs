//! Calculates how many requests a scenario will send, for a forecast before the run.

use super::{Action, Pause, Phase, Scenario, Shape, Step, Task, UserClass};

/// The shortest iteration of a user, in seconds: without a pause, on a target without latency.
const FASTEST_ROUND: f64 = 1e-4;

impl Scenario {
    /// The expected requests of a load by phase ([`Phase::index`]) and request name. The load may differ from the
    /// scenario's.
    ///
    /// `service` is the expected latency of a request name, in seconds. In the closed model it decides how often users
    /// iterate. A step with a condition counts, unless the condition is known to be false. Logins of users that arrivals
    /// create on demand do not count: their number depends on the target.
    pub fn expected_requests(
        &self,
        load: &[Phase],
        service: impl Fn(usize) -> f64,
    ) -> Vec<Vec<f64>> {
        let phases = load.iter().map(|phase| phase.index + 1).max();
        let mut counts = vec![vec![0.0; self.requests.len()]; phases.unwrap_or(0)];
        let mut present = 0.0;
        for phase in load {
            let row = &mut counts[phase.index];
            for (class, share) in self.shares() {
                let rounds = share * rounds(phase, class, &service);
                add_steps(row, &class.on_start, share * joining(phase, present));
                for task in &class.tasks {
                    add_steps(row, &task.steps, rounds * share_of(class, task));
                }
            }
            present = left(phase);
        }
        counts
    }

    /// The number of users in a load of the closed model that take a unique row of these data.
    pub fn unique_row_users(&self, load: &[Phase], data: &str) -> f64 {
        let takes = |class: &UserClass| {
            let mut rows = class.own_rows.iter();
            rows.any(|index| self.data[*index].name == data)
        };
        let share: f64 = self
            .shares()
            .filter(|(class, _)| takes(class))
            .map(|(_, share)| share)
            .sum();
        let mut present = 0.0;
        let coming = load.iter().map(|phase| {
            let joining = joining(phase, present);
            present = left(phase);
            joining
        });
        coming.sum::<f64>() * share
    }

    /// By request name, whether conditions during the run decide how many there will be: never more than expected.
    pub fn conditional_requests(&self) -> Vec<bool> {
        let mut conditional = vec![false; self.requests.len()];
        let steps = self.steps().filter(|step| step.is_conditional());
        for request in steps.filter_map(Step::request) {
            conditional[request.name] = true;
        }
        conditional
    }

    fn shares(&self) -> impl Iterator<Item = (&UserClass, f64)> {
        let weights = self.user_classes.iter().map(|class| class.weight);
        let total: f64 = weights.map(f64::from).sum();
        self.user_classes
            .iter()
            .map(move |class| (class, f64::from(class.weight) / total))
    }
}

/// The tasks of a phase if all of its users were of one class.
fn rounds(phase: &Phase, class: &UserClass, service: &impl Fn(usize) -> f64) -> f64 {
    let seconds = phase.duration.as_secs_f64();
    match phase.shape {
        Shape::Users { from, to } => {
            let users = f64::midpoint(f64::from(from), f64::from(to));
            users * seconds / round(class, service)
        }
        Shape::Arrivals { from, to, .. } => f64::midpoint(from, to) * seconds,
    }
}

/// The users that start in a phase, if `present` are there when it begins.
fn joining(phase: &Phase, present: f64) -> f64 {
    match phase.shape {
        Shape::Users { from, to } => (f64::from(from.max(to)) - present).max(0.0),
        Shape::Arrivals { .. } => 0.0,
    }
}

/// The users at the end of a phase.
fn left(phase: &Phase) -> f64 {
    match phase.shape {
        Shape::Users { to, .. } => f64::from(to),
        Shape::Arrivals { .. } => 0.0,
    }
}

fn share_of(class: &UserClass, task: &Task) -> f64 {
    let weights = class.tasks.iter().map(|task| task.weight);
    f64::from(task.weight) / weights.map(f64::from).sum::<f64>()
}

/// Seconds from the start of a task to the start of the user's next task.
fn round(class: &UserClass, service: &impl Fn(usize) -> f64) -> f64 {
    let step = |step: &Step| match &step.action {
        _ if step.is_never_done() => 0.0,
        Action::Request(request) => service(request.name),
        Action::Think(pause) => mean(*pause),
        Action::Command(_) => 0.0,
    };
    let task = |task: &Task| task.steps.iter().map(step).sum::<f64>() * share_of(class, task);
    let tasks: f64 = class.tasks.iter().map(task).sum();
    (mean(class.wait) + tasks).max(FASTEST_ROUND)
}

fn mean(pause: Pause) -> f64 {
    f64::midpoint(pause.from.as_secs_f64(), pause.to.as_secs_f64())
}

fn add_steps(row: &mut [f64], steps: &[Step], times: f64) {
    let done = steps.iter().filter(|step| !step.is_never_done());
    for request in done.filter_map(Step::request) {
        row[request.name] += times;
    }
}

#[cfg(test)]
mod tests {
    use crate::scenario::Inputs;

    fn expected(users: &str, load: &str, service: f64) -> Vec<Vec<f64>> {
        let text = format!("name: x\nuser_classes:\n{users}\nload:\n{load}\n");
        let scenario = crate::scenario::parse("scenario.yml", &text, &Inputs::default()).unwrap();
        scenario.expected_requests(&scenario.load, |_| service)
    }

    fn close(counts: &[Vec<f64>], wanted: &[&[f64]]) {
        let all = |rows: &[Vec<f64>]| rows.concat();
        assert_eq!(counts.len(), wanted.len(), "{counts:?}");
        for (count, wanted) in all(counts).iter().zip(wanted.concat()) {
            assert!((count - wanted).abs() < 1e-6, "{counts:?}");
        }
    }

    #[test]
    fn users_come_round_once_per_wait_and_answer() {
        let users = "  - name: a\n    wait: 1s..3s\n    tasks:\n      - { weight: 3, steps: [{ get: /a }] }\n      - { weight: 1, steps: [{ get: /b }, { think: 1s }, { get: /c }] }";
        let load = "  - { phase: up, users: 0..100, for: 10s, measure: false }\n  - { phase: warm, users: 100, for: 60s }";
        // A round takes 2 s, and 0.75 x 0.1 s or 0.25 x (0.1 + 1 + 0.1) s beside.
        let rounds = |users: f64, seconds: f64| users * seconds / 2.375;
        let (up, warm) = (rounds(50.0, 10.0), rounds(100.0, 60.0));
        let row = |tasks: f64| [0.75 * tasks, 0.25 * tasks, 0.25 * tasks];
        close(&expected(users, load, 0.1), &[&row(up), &row(warm)]);
    }

    #[test]
    fn arrivals_do_not_depend_on_answers_and_passes_are_pooled() {
        let users = "  - { name: a, tasks: [{ steps: [{ get: /a }] }] }";
        let load = "  - repeat: 3\n    phases:\n      - { phase: burst, arrivals: 10/s..30/s, for: 5s }\n      - { phase: idle, users: 0, for: 5s }";
        close(&expected(users, load, 9.0), &[&[300.0], &[0.0]]);
    }

    #[test]
    fn a_condition_that_only_the_load_decides_leaves_a_number_open() {
        let text = "name: x
variables: { beta: false }
user_classes:
  - name: a
    on_start: [{ post: /login, when: \"{{ random_int(0, 1) == 1 }}\" }]
    tasks: [{ steps: [{ get: /a }, { get: /b, when: '{{ beta }}' }, { get: /c, when: '{{ not beta }}' }, { get: /a, when: \"{{ pick(['x', 'y']) == 'x' }}\", name: d }] }]
load: [{ phase: warm, arrivals: 10/s, for: 10s }]
";
        let scenario = crate::scenario::parse("scenario.yml", text, &Inputs::default()).unwrap();
        let names: Vec<(&str, bool)> = scenario
            .requests
            .iter()
            .map(String::as_str)
            .zip(scenario.conditional_requests())
            .collect();
        let expected = [
            ("POST /login", true),
            ("GET /a", false),
            ("GET /b", false),
            ("GET /c", false),
            ("d", true),
        ];
        assert_eq!(names, expected);
    }

    #[test]
    fn each_user_that_joins_logs_in() {
        let users = "  - { name: a, wait: 1s, on_start: [{ post: /login }], tasks: [{ steps: [{ get: /a }] }] }";
        let load = "  - { phase: warm, users: 10, for: 10s }\n  - { phase: up, users: 10..20, for: 10s }\n  - { phase: rest, users: 0, for: 1s }\n  - { phase: again, users: 5, for: 10s }";
        let counts = expected(users, load, 0.0);
        close(
            &counts,
            &[&[10.0, 100.0], &[10.0, 150.0], &[0.0, 0.0], &[5.0, 50.0]],
        );
    }
}
