//! What the runner and its test share.

pub(crate) mod case;
pub(crate) mod drive;
pub(crate) mod judge;
pub(crate) mod play;
pub(crate) mod world;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use self::case::{Case, Way};
use self::judge::judge;
use self::play::{Played, play};
use self::world::World;

/// How the ways of a case went.
pub(crate) struct Verdict {
    /// What is wrong with the right way; nothing when it passes.
    pub(crate) right: Vec<String>,
    /// For each wrong way, why it is not caught as it should be; `None` when it is.
    pub(crate) wrong: Vec<Option<String>>,
    /// The tools of the right way.
    pub(crate) tools: Vec<String>,
    /// What was done, to be read by people.
    pub(crate) told: String,
}

/// Where something of the project is.
pub(crate) fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// Play and judge all ways of a case, each in a world of its own.
pub(crate) async fn run(case: &Case, component: &Path) -> Verdict {
    let mut told = format!("{}: {}\n", case.name, case.title);
    let mut tools = Vec::new();
    let right = match one(case, component, &case.right, true).await {
        Ok((played, said)) => {
            tell(&mut told, "right", &played, &said);
            tools = played.tools;
            said
        }
        Err(error) => vec![format!("{error:#}")],
    };
    let mut wrong = Vec::new();
    for way in &case.wrong {
        wrong.push(match one(case, component, way, false).await {
            Ok((played, said)) => {
                tell(&mut told, &format!("wrong: {}", way.why), &played, &said);
                match said.iter().any(|sentence| sentence.contains(&way.caught)) {
                    true => None,
                    false if said.is_empty() => Some("the judge finds nothing wrong with it".to_owned()),
                    false => Some(format!("the judge does not say `{}`, but: {}", way.caught, said.join("; "))),
                }
            }
            Err(error) => Some(format!("{error:#}")),
        });
    }
    Verdict { right, wrong, tools, told }
}

async fn one(case: &Case, component: &Path, way: &Way, honest: bool) -> Result<(Played, Vec<String>)> {
    let world = World::start(case, component).await.context("the start")?;
    let played = play(case, &world, way, honest).await?;
    let said = judge(case, &world, &played.answer);
    Ok((played, said))
}

fn tell(told: &mut String, title: &str, played: &Played, said: &[String]) {
    *told += &format!("\n  {title}\n");
    for (at, (what, value)) in played.told.iter().enumerate() {
        *told += &format!("    {}. {what}\n       {value}\n", at + 1);
    }
    *told += &format!("    answer: {}\n", played.answer.trim());
    for sentence in said {
        *told += &format!("    judge: {sentence}\n");
    }
}
