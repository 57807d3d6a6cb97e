//! A way, played: its calls are made, what happens between them happens.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail, ensure};
use rmcp::model::CallToolResult;
use serde_json::{Map, Value};

use super::case::{Case, DEFAULT, Step, Way};
use super::world::World;

/// What was done, and said in the end.
pub(crate) struct Played {
    /// The answer to who asked, with its placeholders filled.
    pub(crate) answer: String,
    /// Each step with what came of it.
    pub(crate) told: Vec<(String, Value)>,
    /// The tools that were called.
    pub(crate) tools: Vec<String>,
}

/// The request as the operator gets it.
///
/// # Errors
/// A placeholder in it that stands for nothing.
pub(crate) fn request(case: &Case, world: &World) -> Result<String> {
    let known = Known { links: &world.links, steps: Vec::new() };
    Ok(format!("{}\n\n{}\n", known.text(&case.who)?.trim(), known.text(&case.says)?.trim()))
}

/// Play a way. With `honest`, nothing may be named that neither the request nor an answer has told: a right way shows
/// that the tools tell enough.
///
/// # Errors
/// A step that does not go as the way says: the case is wrong, or a tool has changed.
pub(crate) async fn play(case: &Case, world: &World, way: &Way, honest: bool) -> Result<Played> {
    let mut known = Known { links: &world.links, steps: Vec::new() };
    let mut heard = request(case, world)?;
    let (mut told, mut tools) = (Vec::new(), Vec::new());
    for (at, step) in way.steps.iter().enumerate() {
        let which = || format!("step {}", at + 1);
        let (what, value) = match &step.call {
            Some(tool) => {
                let tool = known.text(tool)?;
                let arguments = arguments(case, world, &known, step, &tool).with_context(which)?;
                if honest && tool != "import_connection" {
                    guessed(&arguments, &heard).with_context(which)?;
                }
                let value = call(world, &tool, &arguments, step.refused.as_deref()).await.with_context(which)?;
                heard += &value.to_string();
                let what = format!("{tool} {arguments}");
                tools.push(tool);
                (what, value)
            }
            None => happen(world, &known, step).with_context(which)?,
        };
        known.steps.push(value.clone());
        told.push((what, value));
    }
    let answer = known.text(&way.answer).context("the answer")?;
    Ok(Played { answer, told, tools })
}

fn happen(world: &World, known: &Known<'_>, step: &Step) -> Result<(String, Value)> {
    let link = known.text(step.opens.as_deref().unwrap_or_default())?;
    let what = match (&step.revokes, step.minutes) {
        (Some(id), _) => format!("(the provider takes back the access of {id})"),
        (None, Some(minutes)) => format!("({minutes} minutes pass)"),
        (None, None) => format!("(somebody opens {link} to connect {})", step.connects.join(" and ")),
    };
    match (world.happen(step, &link), &step.refused) {
        (Ok(value), None) => Ok((what, value)),
        (Ok(_), Some(_)) => bail!("it was to be refused, and was not"),
        (Err(error), Some(part)) if format!("{error:#}").contains(part) => Ok((what, Value::Null)),
        (Err(error), _) => Err(error),
    }
}

/// The arguments of a call. Where there is one environment, a way need not name it; the schema asks for it all the same.
fn arguments(case: &Case, world: &World, known: &Known<'_>, step: &Step, tool: &str) -> Result<Value> {
    let mut all = Map::new();
    if let Some(of) = &step.of {
        let connection = known.fill(of)?;
        for name in ["connection_id", "provider_config_key"] {
            let value = connection.get(name).with_context(|| format!("`of` names a connection, with its {name}"))?;
            all.insert(name.to_owned(), value.clone());
        }
    }
    for part in [&step.with, &step.and].into_iter().flatten() {
        match known.fill(part)? {
            Value::Object(fields) => all.extend(fields),
            _ => bail!("the arguments of a call are an object"),
        }
    }
    let tools = world.server.tools();
    let tool = tools.iter().find(|known| known.name == tool).with_context(|| format!("there is no tool {tool}"))?;
    let schema = &tool.input_schema;
    let takes = |name: &str| schema.get("properties").is_some_and(|properties| properties.get(name).is_some());
    if case.start.environments.is_empty() && takes("environment") && !all.contains_key("environment") {
        all.insert("environment".to_owned(), DEFAULT.into());
    }
    for name in schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
        ensure!(all.contains_key(name), "{} needs the argument {name}", tool.name);
    }
    Ok(all.into())
}

/// What the answer says: its structure, or of a refusal that was to come the error.
async fn call(world: &World, tool: &str, arguments: &Value, refused: Option<&str>) -> Result<Value> {
    let result = world.server.call(tool, &arguments.to_string()).await;
    let result = result.map_err(|error| anyhow::anyhow!("{tool}: {}", error.message))?;
    let error = error_of(&result);
    let code = error.as_ref().and_then(|error| error.get("code")?.as_str());
    match (refused, code) {
        (None, None) => result.structured_content.with_context(|| format!("{tool} gave no structured result")),
        (Some(expected), Some(code)) if code == expected => error.context("an error"),
        (Some(expected), _) => bail!("{tool} was to be refused as {expected}, and was not: {}", text_of(&result)),
        (None, Some(_)) => bail!("{tool} {arguments} failed: {}", text_of(&result)),
    }
}

fn error_of(result: &CallToolResult) -> Option<Value> {
    result.meta.as_ref().and_then(|meta| meta.get("nango-mcp/error")).cloned()
}

fn text_of(result: &CallToolResult) -> String {
    result.content.iter().filter_map(|block| block.as_text()).map(|text| text.text.as_str()).collect::<Vec<_>>().join("\n")
}

/// Refuses arguments that name a connection or a link of which nobody has told.
fn guessed(arguments: &Value, heard: &str) -> Result<()> {
    for name in ["connection_id", "reconnect_connection_ids", "connect_link", "session_token"] {
        let named = match arguments.get(name) {
            Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).collect(),
            Some(Value::String(text)) => vec![text.as_str()],
            _ => Vec::new(),
        };
        for text in named {
            // Links stand in answers as JSON writes them.
            ensure!(heard.contains(text), "a right way may not name a {name} of which neither request nor answers tell: {text}");
        }
    }
    Ok(())
}

/// What placeholders stand for: `$2.next.tool` for a value of the second step, `$links.old` for a link of the start, and
/// `${…}` for either within a text.
struct Known<'a> {
    links: &'a BTreeMap<String, String>,
    steps: Vec<Value>,
}

impl Known<'_> {
    fn fill(&self, value: &Value) -> Result<Value> {
        Ok(match value {
            Value::String(text) => match text.strip_prefix('$').filter(|path| !path.starts_with('{')) {
                Some(path) => self.at(path)?,
                None => self.text(text)?.into(),
            },
            Value::Array(items) => items.iter().map(|item| self.fill(item)).collect::<Result<Vec<_>>>()?.into(),
            Value::Object(fields) => {
                fields.iter().map(|(key, value)| Ok((key.clone(), self.fill(value)?))).collect::<Result<Map<_, _>>>()?.into()
            }
            other => other.clone(),
        })
    }

    fn text(&self, text: &str) -> Result<String> {
        if let Some(path) = text.strip_prefix('$').filter(|path| !path.starts_with('{')) {
            return Ok(plain(&self.at(path)?));
        }
        let (mut out, mut rest) = (String::new(), text);
        while let Some((before, after)) = rest.split_once("${") {
            let (path, behind) = after.split_once('}').with_context(|| format!("`${{{after}` does not end"))?;
            out += before;
            out += &plain(&self.at(path)?);
            rest = behind;
        }
        Ok(out + rest)
    }

    fn at(&self, path: &str) -> Result<Value> {
        let (first, rest) = path.split_once('.').unwrap_or((path, ""));
        if first == "links" {
            return self.links.get(rest).map(|link| link.as_str().into()).with_context(|| format!("there is no link `{rest}`"));
        }
        let step = first.parse::<usize>().ok().and_then(|nth| self.steps.get(nth.checked_sub(1)?));
        let step = step.with_context(|| format!("`${path}`: there is no step {first} before this"))?;
        let pointer = if rest.is_empty() { String::new() } else { format!("/{}", rest.replace('.', "/")) };
        step.pointer(&pointer).cloned().with_context(|| format!("`${path}`: step {first} gave no such value, but {step}"))
    }
}

/// A value within a text.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
