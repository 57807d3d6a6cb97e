//! evals/: that the cases are whole, that their right ways pass and their wrong ways fail, and that a driver can sit in front.

#[path = "../examples/evals/mod.rs"]
mod harness;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use nango_mcp::tools::TOOLS;
use serde_json::Value;

use self::harness::case::{Case, Way, load_all};
use self::harness::drive::drive;
use self::harness::judge::judge;
use self::harness::play::{play, request};
use self::harness::world::World;
use self::harness::{file, run};
use super::bench::component;

/// What the right ways use together, of the tools that there are.
const TOOLS_USED: usize = 25;

fn cases() -> Vec<Case> {
    load_all(&file("evals/cases")).unwrap()
}

#[test]
fn there_are_thirty_cases_with_two_wrong_ways_each() {
    let cases = cases();
    assert_eq!(cases.len(), 30);
    let mut titles = BTreeSet::new();
    for (at, case) in cases.iter().enumerate() {
        assert!(case.name.starts_with(&format!("{:02}-", at + 1)), "{}: cases are numbered", case.name);
        assert!(titles.insert(&case.title), "{}: another case has this title", case.name);
        assert_eq!(case.wrong.len(), 2, "{}", case.name);
        let [one, two] = case.wrong.as_slice() else { panic!("two") };
        assert_ne!(one.why, two.why, "{}", case.name);
        for way in case.ways() {
            for tool in way.steps.iter().filter_map(|step| step.call.as_deref()).filter(|tool| !tool.starts_with('$')) {
                assert!(TOOLS.iter().any(|entry| entry.name == tool), "{}: there is no tool {tool}", case.name);
            }
        }
    }
}

/// In front of a driver nobody hears what people do, so no right way may build on it.
#[test]
fn right_ways_build_on_answers_only() {
    fn texts(value: &Value, out: &mut Vec<String>) {
        match value {
            Value::String(text) => out.push(text.clone()),
            Value::Array(items) => items.iter().for_each(|item| texts(item, out)),
            Value::Object(fields) => fields.values().for_each(|field| texts(field, out)),
            _ => {}
        }
    }
    for case in cases() {
        let mut all = vec![case.right.answer.clone()];
        for step in &case.right.steps {
            all.extend(step.call.iter().chain(&step.opens).cloned());
            [&step.of, &step.with, &step.and].into_iter().flatten().for_each(|value| texts(value, &mut all));
        }
        for (at, _) in case.right.steps.iter().enumerate().filter(|(_, step)| step.call.is_none()) {
            for text in &all {
                let (whole, within) = (format!("${}.", at + 1), format!("${{{}.", at + 1));
                assert!(!text.starts_with(&whole) && !text.contains(&within), "{}: {text} is of no call", case.name);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn right_ways_pass_and_wrong_ways_fail() {
    let mut used = BTreeSet::new();
    for case in cases() {
        let verdict = run(&case, &component()).await;
        assert_eq!(verdict.right, [""; 0], "{}", verdict.told);
        for missed in &verdict.wrong {
            assert_eq!(*missed, None, "{}", verdict.told);
        }
        used.extend(verdict.tools);
    }
    assert!(used.len() >= TOOLS_USED, "the right ways use {} tools: {used:?}", used.len());
}

/// No case is done by doing nothing, whatever is said.
#[tokio::test(flavor = "multi_thread")]
async fn to_do_nothing_is_never_right() {
    for case in cases() {
        let world = World::start(&case, &component()).await.unwrap();
        let said = request(&case, &world).unwrap();
        assert_ne!(judge(&case, &world, &said), [""; 0], "{}: the request said again", case.name);
        assert_ne!(judge(&case, &world, "Done: it is all connected and works."), [""; 0], "{}: a promise", case.name);
    }
}

/// A right way shows that the tools tell enough; it may not name what nobody has told.
#[tokio::test(flavor = "multi_thread")]
async fn a_right_way_does_not_guess() {
    let case = cases().remove(1);
    let world = World::start(&case, &component()).await.unwrap();
    let guess: Way = toml::from_str(
        "answer = \"\"\nsteps = [{ call = \"get_connection\", with = { connection_id = \"ada-github\", provider_config_key = \"github\" } }]",
    )
    .unwrap();
    assert!(play(&case, &world, &guess, false).await.is_ok());
    let refused = play(&case, &world, &guess, true).await.err().unwrap();
    assert!(format!("{refused:#}").contains("of which neither request nor answers tell"), "{refused:#}");
}

/// A driver's path through MCP over HTTP, with the recorded right ways in the model's place.
#[tokio::test(flavor = "multi_thread")]
async fn a_driver_does_the_cases_through_mcp() {
    let python = Command::new("python3").args(["-c", "import tomllib"]).stderr(Stdio::null()).status();
    if !python.is_ok_and(|status| status.success()) {
        eprintln!("NOT TESTED: evals/driver-example needs python3, 3.11 or later, which is missing here");
        return;
    }
    let command = file("evals/driver-example").canonicalize().unwrap();
    let wanted = ["01", "03", "13", "24", "28"];
    let chosen: Vec<Case> = cases().into_iter().filter(|case| wanted.contains(&&case.name[..2])).collect();
    assert_eq!(chosen.len(), wanted.len());
    for case in chosen {
        let path = file(&format!("evals/cases/{}.toml", case.name)).canonicalize().unwrap();
        let wrong = drive(&case, &path, &component(), command.to_str().unwrap(), Duration::from_secs(60)).await.unwrap();
        assert_eq!(wrong, [""; 0], "{}", case.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_driver_is_judged_and_its_time_is_limited() {
    let case = cases().remove(1);
    let drive =
        async |command: &str, millis: u64| drive(&case, Path::new("none"), &component(), command, Duration::from_millis(millis)).await;
    // It says the request again, and nothing else.
    let said = drive("cat", 30_000).await.unwrap();
    assert!(said.iter().any(|sentence| sentence.contains("the answer does not say: ada-github")), "{said:?}");
    let late = drive("sleep 600", 300).await.err().unwrap();
    assert!(format!("{late:#}").contains("not done in 0.3 s"), "{late:#}");
    let failed = drive("false", 30_000).await.err().unwrap();
    assert!(format!("{failed:#}").contains("the driver failed"), "{failed:#}");
    let missing = drive("there-is-no-such-program", 30_000).await.err().unwrap();
    assert!(format!("{missing:#}").contains("cannot start"), "{missing:#}");
}
