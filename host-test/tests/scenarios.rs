//! One suite for every world: the same calls on the same Nango, each through the world's own way in, and what came of them
//! held against what must come and against each other.
//!
//! A new world is a file in `scenarios/` with an [`entry::Entry`], and a line in [`worlds`].

mod act;
mod entry;
mod http;
mod stage;
mod table;
mod wassette;
mod wit;

use std::fmt::Write as _;

use self::entry::{Entry, Said};
use self::stage::{Seen, play};
use self::table::{Expected, Scenario, scenarios};

/// Every world, the one that the others are held against first.
fn worlds() -> Vec<Box<dyn Entry>> {
    vec![Box::new(wit::Tools), Box::new(http::Component), Box::new(http::Host), Box::new(wassette::Functions), Box::new(act::Act)]
}

/// Whether what was said is what had to be said; else what is wrong.
fn check(expected: &Expected, said: &Said) -> Result<(), String> {
    match (expected, said) {
        (Expected::Result(fields), Said::Result { structured, .. }) => {
            for (pointer, wanted) in fields {
                let found = structured.pointer(pointer).unwrap_or(&serde_json::Value::Null);
                if found != wanted {
                    return Err(format!("{pointer} is {found}, not {wanted}"));
                }
            }
            Ok(())
        }
        (Expected::Error(code, words), Said::Error { sentence, error }) => match error["code"].as_str() {
            Some(found) if found == *code && sentence.contains(words) => Ok(()),
            _ => Err(format!("not {code} with \u{201c}{words}\u{201d}")),
        },
        (Expected::Refused(words), Said::Refused(text)) if text.contains(words) => Ok(()),
        _ => Err("another way to end".to_owned()),
    }
}

/// Whether two worlds said the same and asked Nango the same. Refusals are the gateway's own words.
fn alike(one: &Seen, other: &Seen) -> bool {
    let said = match (&one.said, &other.said) {
        (Said::Refused(_), Said::Refused(_)) => true,
        (one, other) => one == other,
    };
    said && one.asked == other.asked
}

/// A cell of the matrix.
enum Cell {
    Equal,
    /// It differs, and this is why.
    Explained(&'static str),
    Wrong(String),
}

fn judge(scenario: &Scenario, world: &str, seen: &Seen, first: &Seen) -> Cell {
    let wrong = |why: &str| Cell::Wrong(format!("{}, {world}: {why}\n  first {first:?}\n  here  {seen:?}", scenario.name));
    match scenario.differs.iter().find(|differs| differs.world == world) {
        None => match check(&scenario.expected, &seen.said) {
            Err(why) => wrong(&why),
            Ok(()) if alike(first, seen) => Cell::Equal,
            Ok(()) => wrong("it differs from the first world"),
        },
        Some(_) if check(&scenario.expected, &seen.said).is_ok() && alike(first, seen) => wrong("it differs no more"),
        Some(differs) => match check(&differs.expected, &seen.said) {
            Err(why) => wrong(&why),
            Ok(()) => Cell::Explained(differs.why),
        },
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_world_gives_the_same_or_the_table_says_why_not() {
    let worlds = worlds();
    let scenarios = scenarios();
    let width = scenarios.iter().map(|scenario| scenario.name.len()).max().unwrap();
    let mut matrix = format!("{:width$}", "");
    for world in &worlds {
        write!(matrix, "  {:10}", world.name()).unwrap();
    }
    let (mut notes, mut wrong) = (Vec::<&str>::new(), Vec::new());
    for scenario in &scenarios {
        write!(matrix, "\n{:width$}", scenario.name).unwrap();
        let mut first = None;
        for world in &worlds {
            let seen = play(scenario, world.as_ref()).await;
            let cell = judge(scenario, world.name(), &seen, first.as_ref().unwrap_or(&seen));
            let shown = match cell {
                Cell::Equal => "equal".to_owned(),
                Cell::Explained(why) => {
                    let at = notes.iter().position(|note| *note == why).unwrap_or_else(|| {
                        notes.push(why);
                        notes.len() - 1
                    });
                    format!("differs {}", at + 1)
                }
                Cell::Wrong(why) => {
                    wrong.push(why);
                    "WRONG".to_owned()
                }
            };
            write!(matrix, "  {shown:10}").unwrap();
            first.get_or_insert(seen);
        }
    }
    let lines: Vec<&str> = matrix.lines().map(str::trim_end).collect();
    println!("{}", lines.join("\n"));
    for (at, note) in notes.iter().enumerate() {
        println!("{}: {note}", at + 1);
    }
    println!("scenarios: {} in {} worlds", scenarios.len(), worlds.len());
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
}

/// The suite sees what it is there for.
#[test]
fn a_difference_is_seen() {
    let said = |value: serde_json::Value| Said::Result { structured: value, files: Vec::new() };
    let seen = |said: Said, asked: &str| Seen { said, asked: vec![asked.to_owned()] };
    let one = seen(said(serde_json::json!({"a": 1})), "GET /x 200");
    assert!(alike(&one, &one));
    assert!(!alike(&one, &seen(said(serde_json::json!({"a": 2})), "GET /x 200")));
    assert!(!alike(&one, &seen(said(serde_json::json!({"a": 1})), "GET /y 200")));
    assert!(check(&Expected::Result(vec![("/a", serde_json::json!(1))]), &one.said).is_ok());
    assert!(check(&Expected::Result(vec![("/a", serde_json::json!(2))]), &one.said).is_err());
    assert!(check(&Expected::Error("x", ""), &one.said).is_err());
    let refused = Said::Refused("NANGO_SECRET_KEY is wrong".to_owned());
    assert!(check(&Expected::Refused("NANGO_SECRET_KEY"), &refused).is_ok());
    assert!(check(&Expected::Refused("NANGO_BASE_URL"), &refused).is_err());
}
