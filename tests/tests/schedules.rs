//! Delivery schedules, by the program `dco` alone.

mod agreed;
mod cleared;
mod crowded;
mod eyes;
mod kept;
mod killed;
mod lapsed;
mod more;
mod moved;
mod refused;
mod seen;
mod sent;

use dco_schedule::ServiceDate;
use dco_tests::{Child, Ended, Scene, dco_command};
use serde_json::{Value, json};

/// A service, its parties, and the service day on which it started.
struct Table {
    scene: Scene,
    today: ServiceDate,
}

impl Table {
    async fn new() -> Self {
        Self::on(Scene::start(|settings| settings).await).await
    }

    async fn on(scene: Scene) -> Self {
        let limits = scene.dco("user1", &["limits"]).await.expect_code(0).json();
        let today = limits["service_date"].as_str().unwrap().parse().unwrap();
        Self { scene, today }
    }

    /// A service day, counted from today.
    fn day(&self, ahead: i32) -> String {
        ServiceDate::from_days(self.today.days() + ahead).to_string()
    }

    /// Days and units as `--quota` takes them.
    fn quota(&self, (first, last): (i32, i32), units: u32) -> String {
        format!("{}..{}={units}", self.day(first), self.day(last))
    }

    /// The full name of a schedule.
    fn name(&self, user: &str, number: u32) -> String {
        format!("users/{}/schedules/{number}", self.scene.site.eui64(user))
    }

    async fn dco(&self, party: &str, args: &[&str]) -> Ended {
        let officer = party.starts_with("desk");
        let signed = args.contains(&"--reason") && !args.contains(&"--ticket");
        let ticket: &[&str] = if officer && signed {
            &["--ticket", "INC-1"]
        } else {
            &[]
        };
        self.scene.dco(party, &[args, ticket].concat()).await
    }

    /// A command that is done, and its answer.
    async fn done(&self, party: &str, args: &[&str]) -> Value {
        self.dco(party, args).await.expect_code(0).json()
    }

    /// An act on a schedule that is done: the schedule as it is then.
    async fn act(&self, party: &str, act: &str, args: &[&str]) -> Value {
        let args = [
            &["schedule", act][..],
            args,
            &["--reason", "as talked over"],
        ]
        .concat();
        self.done(party, &args).await["schedule"].clone()
    }

    /// A command that the service refuses with this reason: what it says besides.
    async fn refused(&self, party: &str, args: &[&str], reason: &str) -> Value {
        let error = self.dco(party, args).await.expect_code(1).json();
        let details = error["error"]["details"].clone();
        assert_eq!(details["reason"], reason, "{error}");
        details["metadata"].clone()
    }

    /// A User's first schedule, requested and agreed: so many units on each of these days.
    async fn agree(&self, user: &str, days: (i32, i32), units: u32) {
        let count = u32::try_from(days.1 - days.0 + 1).unwrap();
        self.request(user, units * count, days).await;
        let (name, quota) = (self.name(user, 1), self.quota(days, units));
        self.act("desk1", "offer", &[&name, "--quota", &quota])
            .await;
        let agreed = self.act(user, "accept", &["schedules/1"]).await;
        assert_eq!(agreed["state"], "AGREED", "{agreed}");
    }

    async fn request(&self, user: &str, devices: u32, (first, last): (i32, i32)) -> Value {
        let (devices, first, last) = (devices.to_string(), self.day(first), self.day(last));
        let wanted = [
            "--devices",
            &devices,
            "--earliest",
            &first,
            "--latest",
            &last,
        ];
        self.act(user, "request", &wanted).await
    }

    /// Units of a quota, day by day.
    fn units(&self, quota: &Value) -> Vec<(i32, u64)> {
        let days = quota.as_array().unwrap().iter();
        let day = |day: &Value| {
            let date: ServiceDate = day["service_date"].as_str().unwrap().parse().unwrap();
            let ahead = date.days() - self.today.days();
            (ahead, day["units"].as_u64().unwrap())
        };
        days.map(day).collect()
    }
}

/// What was done to a schedule, and by whom.
fn history(schedule: &Value) -> Vec<(String, String)> {
    let steps = schedule["history"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    steps
        .map(|step| (text(&step["act"]), text(&step["signature"]["by"])))
        .collect()
}

fn steps(steps: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(act, by): &(&str, &str)| ((*act).to_owned(), (*by).to_owned());
    steps.iter().map(owned).collect()
}

/// Of each notice what it is about, and what was done.
fn told(notices: &Value) -> Vec<Value> {
    let notices = notices["notices"].as_array().unwrap().iter();
    let subjects = notices.flat_map(|notice| notice["subject"].as_object().unwrap());
    subjects
        .map(|(kind, facts)| json!([kind, facts["act"]]))
        .collect()
}

/// A party that is told as it comes.
fn follow(scene: &Scene, party: &str) -> Child {
    let mut command = dco_command(["notices", "--follow", "--json"]);
    let address = scene.line.address().to_string();
    command
        .args(["--server", &address, "--server-name", "localhost", "--as"])
        .arg(scene.site.party(party));
    Child::spawn("dco notices", command)
}
