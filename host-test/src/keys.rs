//! API keys that stand neither in the environment nor in a `.env` file: in a file of their own, or given by a command.

mod command;
mod file;

use std::time::Duration;

use anyhow::{Result, anyhow, bail};
use clap::Args;
use nango_mcp::Config;
use nango_mcp::config::Environment;

pub(crate) use self::file::open;
use crate::settings::Vars;

/// What all variables with a key begin with.
pub(crate) const VARIABLE: &str = "NANGO_SECRET_KEY";

/// What a file or a command may give, in bytes: a key has 36. What is longer is something else.
const MOST: usize = 4096;

/// How long a command may take: time enough for a person to touch a sensor.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where API keys come from, beside the environment and `.env`.
#[derive(Args, Clone)]
pub struct Keys {
    /// File that holds an API key and nothing else, and that only its owner can read (`chmod 600`); may be repeated.
    ///
    /// With several environments say whose key it is: --key-file prod=/etc/nango/prod.key. A key given so comes before
    /// the variable and the line of `.env`.
    #[arg(long, value_name = "[ENVIRONMENT=]FILE")]
    pub key_file: Vec<String>,
    /// Command that prints an API key and nothing else, as secret managers have them; may be repeated.
    ///
    /// It is run by `sh -c`, may take 30 seconds, and gets neither stdin nor the API keys of the environment.
    ///
    ///   1Password  --key-command 'op read op://Private/Nango/key'
    ///   pass       --key-command 'pass show nango/key'
    ///   Vault      --key-command 'vault kv get -mount=secret -field=key nango'
    ///   Infisical  --key-command 'infisical secrets get NANGO_SECRET_KEY --plain --silent'
    ///
    /// With several environments say whose key it is: --key-command 'prod=pass show nango/prod'.
    #[arg(long, value_name = "[ENVIRONMENT=]COMMAND", verbatim_doc_comment)]
    pub key_command: Vec<String>,
    /// How long a command may take.
    #[arg(skip = PATIENCE)]
    pub patience: Duration,
}

impl Default for Keys {
    fn default() -> Self {
        Self { key_file: Vec::new(), key_command: Vec::new(), patience: PATIENCE }
    }
}

/// How a key is given.
#[derive(Clone, Copy)]
enum Source {
    File,
    Command,
}

impl Source {
    fn flag(self) -> &'static str {
        match self {
            Self::File => "--key-file",
            Self::Command => "--key-command",
        }
    }
}

impl Keys {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.key_file.is_empty() && self.key_command.is_empty()
    }

    /// Read the keys: the variables that take the place of those of the same name. `vars` says which environments there
    /// are. Waits for the commands, and may be called again: files and commands are then asked anew.
    ///
    /// # Errors
    /// A flag that names no environment, two for the same one, a file or command that gives no key. No text holds what
    /// they gave.
    pub fn read(&self, vars: &Vars) -> Result<Vars> {
        if self.is_empty() {
            return Ok(Vars::new());
        }
        let config = shape(vars)?;
        let files = self.key_file.iter().map(|given| (Source::File, given));
        let commands = self.key_command.iter().map(|given| (Source::Command, given));
        // All flags are looked at before any command is run: it may ask a person.
        let mut wanted: Vec<(&Environment, Source, &str)> = Vec::new();
        for (source, given) in files.chain(commands) {
            let (environment, given) = whose(&config, source, given)?;
            if wanted.iter().any(|(other, ..)| other.name == environment.name) {
                bail!("there are two keys for the environment {}: leave one --key-file or --key-command of it", environment.name);
            }
            wanted.push((environment, source, given));
        }
        let mut keys = Vars::new();
        for (environment, source, given) in wanted {
            let (origin, bytes) = match source {
                Source::File => (format!("the key file {given}"), file::read(given)?),
                Source::Command => {
                    let origin = format!("the key command of the environment {}", environment.name);
                    let bytes = command::run(&origin, given, self.patience)?;
                    (origin, bytes)
                }
            };
            keys.push((environment.key_variable.clone(), only_key(&origin, &bytes)?));
        }
        Ok(keys)
    }
}

/// The environments of these variables, and which variable each reads its key from. What stands in that is no matter: a
/// flag may take its place.
fn shape(vars: &Vars) -> Result<Config> {
    let any = vars.iter().map(|(name, value)| {
        let keyed = name.starts_with(VARIABLE) && !value.trim().is_empty();
        (name.clone(), if keyed { "host:any".to_owned() } else { value.clone() })
    });
    Config::from_vars(any).map_err(|error| anyhow!("configuration: {error}"))
}

/// Which environment a flag means, and what follows that. Before the first `=` stands an environment, if it has the form
/// of a name. Names may have blanks, but `vault kv get -field=key nango` begins with none: with a blank in it only the name
/// of a configured environment is one.
fn whose<'a, 'b>(config: &'a Config, source: Source, given: &'b str) -> Result<(&'a Environment, &'b str)> {
    let flag = source.flag();
    let form = |name: &str| (1..=64).contains(&name.len()) && name.chars().all(|c| c.is_ascii_alphanumeric() || "._- ".contains(c));
    let named = given.split_once('=').filter(|(name, _)| form(name));
    let (environment, rest) = match named.map(|(name, rest)| (name, config.environment(name), rest)) {
        Some((_, Some(environment), rest)) => (environment, rest),
        Some((name, None, _)) if !name.contains(' ') => {
            let whole = match source {
                Source::File => "if the file's name begins so, write `./` before it",
                Source::Command => "if the command begins so, write `env ` before it",
            };
            bail!("{flag} is for the environment {name}, and there is none of that name (there is {}); {whole}", config.names())
        }
        _ => match config.environments.as_slice() {
            [only] => (only, given),
            several => {
                let example = several.first().map_or("", |environment| environment.name.as_str());
                bail!(
                    "{flag} does not say for which of the environments {} it is; begin it with one, as in `{flag} '{example}=…'`",
                    config.names()
                )
            }
        },
    };
    if rest.trim().is_empty() {
        bail!("{flag} for the environment {} is empty", environment.name);
    }
    // Not repeated as a file's name that does not exist, and not handed to a shell that would.
    if form_of_key(rest.trim()).is_ok() {
        bail!(
            "{flag} is given a key itself, which everybody on this machine can read on a command line: put it into a file, and make a new one"
        );
    }
    Ok((environment, rest))
}

/// Nothing if it has the form of a key; else what that is, to follow where it stands.
fn form_of_key(text: &str) -> Result<(), String> {
    match Config::from_vars([(VARIABLE.to_owned(), text.to_owned())]) {
        Ok(_) if text.starts_with("host:") => Err("is a handle, and this host is the one that has to know the key itself".to_owned()),
        Ok(_) => Ok(()),
        Err(error) => Err(error.message),
    }
}

/// The key that these bytes are, and nothing else but a newline at the end.
fn only_key(origin: &str, bytes: &[u8]) -> Result<String> {
    if bytes.len() > MOST {
        bail!("{origin} gave more than {} KiB; it must give the key and nothing else", MOST / 1024);
    }
    let text =
        std::str::from_utf8(bytes).map_err(|_| anyhow!("{origin} gave bytes that are no text; it must give the key and nothing else"))?;
    let line = text.strip_suffix('\n').map_or(text, |line| line.strip_suffix('\r').unwrap_or(line));
    if line.contains('\n') {
        bail!("{origin} gave more than one line; it must give the key and nothing else");
    }
    let key = line.trim();
    if key.is_empty() {
        bail!("{origin} is empty: it must give the key and nothing else");
    }
    form_of_key(key).map_err(|what| anyhow!("what {origin} gave {what}"))?;
    Ok(key.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "6f2a1c7e-90b4-4d53-8a1e-3c5d7e9f0b21";

    fn config(vars: &[(&str, &str)]) -> Config {
        shape(&vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()).unwrap()
    }

    #[test]
    fn what_stands_before_the_equals_sign() {
        let several = config(&[("NANGO_MCP_ENVIRONMENTS", "dev,Live EU"), ("NANGO_MCP_ENVIRONMENT_ALIASES_DEV", "staging")]);
        let one = config(&[("NANGO_ENVIRONMENT", "dev")]);
        for (config, given, expected) in [
            (&several, "dev=pass show a=b", Ok(("NANGO_SECRET_KEY_DEV", "pass show a=b"))),
            (&several, "DEV=x", Ok(("NANGO_SECRET_KEY_DEV", "x"))),
            (&several, "staging=x", Ok(("NANGO_SECRET_KEY_DEV", "x"))),
            (&several, "Live EU=x", Ok(("NANGO_SECRET_KEY_LIVE_EU", "x"))),
            (&several, "LIVE_EU=x", Ok(("NANGO_SECRET_KEY_LIVE_EU", "x"))),
            (&several, "prod=x", Err("there is none of that name (there is dev, Live EU)")),
            (&several, "vault kv get -field=key nango", Err("--key-command 'dev=…'")),
            (&several, "./dev=x", Err("does not say for which of the environments dev, Live EU")),
            (&several, "dev=", Err("is empty")),
            (&several, "dev=6f2a1c7e-90b4-4d53-8a1e-3c5d7e9f0b21", Err("is given a key itself")),
            (&one, "vault kv get -field=key nango", Ok((VARIABLE, "vault kv get -field=key nango"))),
            (&one, "op read op://a/b?attribute=otp", Ok((VARIABLE, "op read op://a/b?attribute=otp"))),
            (&one, "env A=b pass", Ok((VARIABLE, "env A=b pass"))),
            (&one, "A=b pass", Err("write `env ` before it")),
            (&one, "dev=x", Ok((VARIABLE, "x"))),
            (&one, "=x", Ok((VARIABLE, "=x"))),
            (&one, "", Err("is empty")),
            (&one, KEY, Err("is given a key itself")),
        ] {
            match (whose(config, Source::Command, given), expected) {
                (Ok((environment, rest)), Ok(expected)) => assert_eq!((environment.key_variable.as_str(), rest), expected, "{given}"),
                (Err(error), Err(expected)) => {
                    let said = error.to_string();
                    assert!(said.contains(expected) && !said.contains(KEY), "{given}: {said}");
                }
                (got, _) => panic!("{given}: {:?}", got.map(|(environment, rest)| (environment.name.clone(), rest))),
            }
        }
    }

    #[test]
    fn a_key_takes_the_place_of_the_one_that_would_be_used() {
        let both = config(&[("NANGO_ENVIRONMENT", "dev"), ("NANGO_SECRET_KEY_DEV", "nonsense"), (VARIABLE, KEY)]);
        assert_eq!(both.environments[0].key_variable, "NANGO_SECRET_KEY_DEV");
    }

    #[test]
    fn one_key_and_nothing_else() {
        for text in [KEY.to_owned(), format!("{KEY}\n"), format!("{KEY}\r\n"), format!(" {KEY} \n")] {
            assert_eq!(only_key("it", text.as_bytes()).unwrap(), KEY, "{text:?}");
        }
        for (text, expected) in [
            (format!("{KEY}\n\n"), "more than one line"),
            (format!("{KEY}\nuser: a\n"), "more than one line"),
            (format!("NANGO_SECRET_KEY={KEY}\n"), "is not a Nango secret key"),
            ("host:dev".to_owned(), "is a handle"),
            (" \n".to_owned(), "is empty"),
            ("k".repeat(MOST + 1), "more than 4 KiB"),
        ] {
            let said = only_key("it", text.as_bytes()).unwrap_err().to_string();
            assert!(said.contains(expected) && !said.contains(KEY) && !said.contains("kkk"), "{said}");
        }
        assert!(only_key("it", b"\xff\xfe").unwrap_err().to_string().contains("no text"));
    }
}
