//! How many requests a scenario will send, as arithmetic: for a forecast before anything is sent.

use super::model::{Phase, Scenario, Shape, Step, Task, UserClass};

impl Scenario {
    /// The requests expected by phase (as [`Phase::index`] counts them, repeats pooled) and request name.
    ///
    /// `service` gives the seconds that one request of a name is expected to take; in the closed model it decides how
    /// often a user comes round.
    pub fn expected_requests(&self, service: &dyn Fn(usize) -> f64) -> Vec<Vec<f64>> {
        let phases = self.load.iter().map(|phase| phase.index + 1).max().unwrap_or(0);
        let mut counts = vec![vec![0.0; self.requests.len()]; phases];
        let mut users_before = 0.0;
        for phase in &self.load {
            let (started, tasks) = self.expected_tasks(phase, users_before, service);
            users_before = users_at_end(phase);
            let row = &mut counts[phase.index];
            for (class, share) in self.shares() {
                add_steps(row, &class.on_start, started * share);
                for task in &class.tasks {
                    add_steps(row, &task.steps, tasks(class) * share * share_of(class, task));
                }
            }
        }
        counts
    }

    /// Users that start in a phase, and how many tasks a class would run if all users were of it.
    fn expected_tasks<'a>(
        &self,
        phase: &Phase,
        users_before: f64,
        service: &'a dyn Fn(usize) -> f64,
    ) -> (f64, Box<dyn Fn(&UserClass) -> f64 + 'a>) {
        let seconds = phase.duration.as_secs_f64();
        match phase.shape {
            Shape::Users { from, to } => {
                let users = f64::midpoint(f64::from(from), f64::from(to));
                let most = f64::from(from.max(to));
                let started = (most - users_before).max(0.0);
                let tasks = move |class: &UserClass| users * seconds / cycle(class, service);
                (started, Box::new(tasks))
            }
            Shape::Arrivals { from, to, .. } => {
                let tasks = f64::midpoint(from, to) * seconds;
                (0.0, Box::new(move |_| tasks))
            }
        }
    }

    fn shares(&self) -> impl Iterator<Item = (&UserClass, f64)> {
        let total: f64 = self.user_classes.iter().map(|class| f64::from(class.weight)).sum();
        self.user_classes.iter().map(move |class| (class, f64::from(class.weight) / total))
    }
}

fn users_at_end(phase: &Phase) -> f64 {
    match phase.shape {
        Shape::Users { to, .. } => f64::from(to),
        Shape::Arrivals { .. } => 0.0,
    }
}

fn share_of(class: &UserClass, task: &Task) -> f64 {
    let total: f64 = class.tasks.iter().map(|task| f64::from(task.weight)).sum();
    f64::from(task.weight) / total
}

/// Seconds from the start of one task of a user to the start of its next.
fn cycle(class: &UserClass, service: &dyn Fn(usize) -> f64) -> f64 {
    let task = |task: &Task| {
        let seconds: f64 = task
            .steps
            .iter()
            .map(|step| match step {
                Step::Request(request) => service(request.name),
                Step::Think(pause) => pause.mean(),
            })
            .sum();
        seconds * share_of(class, task)
    };
    let tasks: f64 = class.tasks.iter().map(task).sum();
    // Nothing comes round faster than a microsecond.
    (class.wait.mean() + tasks).max(1e-6)
}

fn add_steps(row: &mut [f64], steps: &[Step], times: f64) {
    for step in steps {
        if let Step::Request(request) = step {
            row[request.name] += times;
        }
    }
}
