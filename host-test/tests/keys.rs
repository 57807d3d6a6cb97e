//! Where API keys come from beside the environment and `.env`, and that nothing shows one.

use std::fs::Permissions;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use nango_mcp::Config;
use nango_mcp_host::keys::Keys;
use nango_mcp_host::settings::{Vars, grant};

use super::bench::{KEY, embedded};
use super::cli::{folder, host, text};

const WRONG: &str = "00000000-0000-4000-8000-000000000000";

/// A file with this text and mode.
fn file(folder: &Path, name: &str, content: &str, mode: u32) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, content).unwrap();
    std::fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
    path
}

/// A FIFO, whose other end nobody has.
fn fifo(folder: &Path, name: &str) -> PathBuf {
    let path = folder.join(name);
    assert!(Command::new("mkfifo").arg("-m").arg("600").arg(&path).status().unwrap().success());
    path
}

/// Call list_integrations.
fn list(folder: &Path, vars: &[(&str, &str)], flags: &[&str], environment: &str) -> Output {
    let arguments = format!(r#"{{"environment":"{environment}"}}"#);
    host(folder, vars, &[&["call"], flags, &["list_integrations", &arguments]].concat())
}

#[track_caller]
fn works(run: &Output) {
    assert_eq!(run.status.code(), Some(0), "{}{}", text(&run.stdout), text(&run.stderr));
    assert!(text(&run.stdout).contains("\"github\""), "{}", text(&run.stdout));
}

#[track_caller]
fn refused(run: &Output, says: &str) {
    let said = format!("{}{}", text(&run.stdout), text(&run.stderr));
    assert_ne!(run.status.code(), Some(0), "{said}");
    assert!(said.contains(says), "{says} in {said}");
    for key in [KEY, WRONG, "sk-not-a-uuid"] {
        assert!(!said.contains(key), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_from_each_source_works() {
    let nango = embedded().await;
    let base = format!("http://{}", nango.address);
    let folder = folder("keys");
    file(&folder, "key", &format!("{KEY}\n"), 0o600);
    file(&folder, "bare", KEY, 0o400);
    symlink("key", folder.join("link")).unwrap();
    let print = format!("echo {KEY}");
    let named = [("NANGO_BASE_URL", base.as_str()), ("NANGO_ENVIRONMENT", "dev")];
    let beaten = [named[0], named[1], ("NANGO_SECRET_KEY", WRONG), ("NANGO_SECRET_KEY_DEV", "sk-not-a-uuid")];
    for flags in [
        ["--key-file", "key"],
        ["--key-file", "bare"],
        ["--key-file", "link"],
        ["--key-file", "dev=key"],
        ["--key-command", "cat key"],
        ["--key-command", &print],
        ["--key-command", "printf %s \"$(cat bare)\""],
        ["--key-command", "DEV=cat key"],
    ] {
        works(&list(&folder, &named, &flags, "dev"));
        // A flag takes the place of whatever variable the environment has its key from.
        works(&list(&folder, &beaten, &flags, "dev"));
    }
    // And of a line of `.env`, where that is named. Where it merely lies there it is not read: there is a key already.
    file(&folder, ".env", &format!("NANGO_SECRET_KEY={WRONG}\nNANGO_MCP_READ_ONLY=maybe\n"), 0o600);
    let run = list(&folder, &named, &["--key-file", "key"], "dev");
    works(&run);
    assert!(text(&run.stderr).contains("NANGO_MCP_ENV_FILE"), "{}", text(&run.stderr));
    file(&folder, "named.env", &format!("NANGO_SECRET_KEY={WRONG}\n"), 0o600);
    let run = list(&folder, &[named[0], named[1], ("NANGO_MCP_ENV_FILE", "named.env")], &["--key-file", "key"], "dev");
    works(&run);
    assert_eq!(text(&run.stderr), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_environment_gets_its_own_key() {
    let nango = embedded().await;
    let base = format!("http://{}", nango.address);
    let folder = folder("keys-two");
    file(&folder, "good", KEY, 0o600);
    file(&folder, "wrong", WRONG, 0o600);
    // Which environments there are may stand in a file as well.
    file(&folder, "nango.env", &format!("NANGO_BASE_URL={base}\nNANGO_MCP_ENVIRONMENTS=dev,Live EU\n"), 0o644);
    let vars = [("NANGO_MCP_ENV_FILE", "nango.env")];
    for flags in [
        ["--key-file", "dev=good", "--key-file", "Live EU=wrong"],
        ["--key-file", "dev=good", "--key-command", "live_eu=cat wrong"],
        ["--key-command", "dev=cat good", "--key-command", "Live EU=cat wrong"],
    ] {
        let run = list(&folder, &vars, &flags, "dev");
        works(&run);
        assert_eq!(text(&run.stderr), "");
        refused(&list(&folder, &vars, &flags, "Live EU"), "key_rejected");
    }
}

/// Variables, flags, and what is said of them.
type Refusal<'a> = (&'a [(&'a str, &'a str)], Vec<&'a str>, &'a str);

#[test]
fn what_is_no_key_is_refused_by_name() {
    let folder = folder("keys-refused");
    let path = |name: &str| folder.join(name);
    file(&folder, "key", KEY, 0o600);
    for (name, mode) in [("group", 0o640), ("others", 0o604), ("written", 0o620), ("public", 0o666)] {
        file(&folder, name, KEY, mode);
    }
    symlink("others", path("link")).unwrap();
    file(&folder, "large", &format!("{KEY}{}", "\n".repeat(4096)), 0o600);
    file(&folder, "empty", "", 0o600);
    file(&folder, "blank", " \n", 0o600);
    file(&folder, "lines", &format!("{KEY}\n{WRONG}\n"), 0o600);
    file(&folder, "form", "sk-not-a-uuid\n", 0o600);
    file(&folder, "env", &format!("NANGO_SECRET_KEY={KEY}\n"), 0o600);
    fifo(&folder, "fifo");
    std::fs::create_dir(path("folder")).unwrap();
    let several = [("NANGO_MCP_ENVIRONMENTS", "dev,prod")];
    let print = |text: &str| format!("echo {text}");
    let (both, unfit, fails) = (format!("echo {KEY}; echo {WRONG}"), print("sk-not-a-uuid"), format!("echo {KEY}; exit 3"));
    let (all, twice, endless) = (print(KEY), format!("prod={}", print(KEY)), format!("yes {KEY}"));
    let cases: Vec<Refusal<'_>> = vec![
        (
            &[],
            vec!["--key-file", "group"],
            "the key file group can be read or written by others than its owner (mode 640): `chmod 600 group`",
        ),
        (&[], vec!["--key-file", "others"], "`chmod 600 others`"),
        (&[], vec!["--key-file", "written"], "`chmod 600 written`"),
        (&[], vec!["--key-file", "public"], "`chmod 600 public`"),
        (&[], vec!["--key-file", "link"], "`chmod 600 link`"),
        (&[], vec!["--key-file", "fifo"], "the key file fifo is no regular file"),
        (&[], vec!["--key-file", "folder"], "the key file folder is no regular file"),
        (&[], vec!["--key-file", "/dev/zero"], "the key file /dev/zero is no regular file"),
        (&[], vec!["--key-file", "missing"], "cannot open the key file missing"),
        (&[], vec!["--key-file", "large"], "the key file large gave more than 4 KiB"),
        (&[], vec!["--key-file", "empty"], "the key file empty is empty"),
        (&[], vec!["--key-file", "blank"], "the key file blank is empty"),
        (&[], vec!["--key-file", "lines"], "the key file lines gave more than one line"),
        (&[], vec!["--key-file", "form"], "what the key file form gave is not a Nango secret key"),
        (&[], vec!["--key-file", "env"], "what the key file env gave is not a Nango secret key"),
        (&[], vec!["--key-file", ""], "--key-file for the environment default is empty"),
        (&[], vec!["--key-file", KEY], "--key-file is given a key itself"),
        (&[], vec!["--key-command", KEY], "--key-command is given a key itself"),
        (&[], vec!["--key-command", &fails], "the key command of the environment default failed (exit status: 3)"),
        (&[], vec!["--key-command", "kill -9 $$"], "failed (signal: 9 (SIGKILL))"),
        (&[], vec!["--key-command", "no-such-manager"], "failed (exit status: 127)"),
        (&[], vec!["--key-command", "true"], "the key command of the environment default is empty"),
        (&[], vec!["--key-command", &both], "the key command of the environment default gave more than one line"),
        (&[], vec!["--key-command", &unfit], "what the key command of the environment default gave is not a Nango secret key"),
        (&[], vec!["--key-command", &endless], "the key command of the environment default gave more than 4 KiB"),
        (&[], vec!["--key-file", "prod=key"], "--key-file is for the environment prod, and there is none of that name (there is default)"),
        (&[], vec!["--key-command", "A=b true"], "write `env ` before it"),
        (&[], vec!["--key-file", "key", "--key-file", "key"], "there are two keys for the environment default"),
        (&[], vec!["--key-file", "key", "--key-command", &all], "there are two keys for the environment default"),
        (&several, vec!["--key-file", "key"], "--key-file does not say for which of the environments dev, prod it is"),
        (&several, vec!["--key-file", "staging=key"], "there is none of that name (there is dev, prod)"),
        (&several, vec!["--key-file", "prod=key", "--key-command", &twice], "there are two keys for the environment prod"),
        (&[], vec!["--demo", "--key-file", "key"], "--key-file"),
        (&[], vec!["--demo", "--key-command", "cat key"], "--key-command"),
    ];
    for (vars, flags, says) in cases {
        let run = host(&folder, vars, &[&["tools"], flags.as_slice()].concat());
        assert_eq!(run.status.code(), Some(2), "{flags:?}");
        assert!(run.stdout.is_empty(), "{}", text(&run.stdout));
        refused(&run, says);
    }
    // Every command that needs a key knows the flags.
    for command in ["stdio", "http", "call"] {
        let mut arguments = vec![command, "--key-file", "others"];
        arguments.extend((command == "call").then_some("list_integrations"));
        refused(&host(&folder, &[], &arguments), "`chmod 600 others`");
    }
    // Only root can give a file away.
    if chown(path("key"), Some(65534), None).is_ok() {
        refused(&host(&folder, &[], &["tools", "--key-file", "key"]), "belongs to another user (65534)");
    }
}

#[test]
fn a_command_gets_no_key_and_no_stdin() {
    let folder = folder("keys-children");
    let command = format!("env > seen; cat > stdin; echo {KEY}");
    let vars = [("NANGO_SECRET_KEY", WRONG), ("NANGO_SECRET_KEY_OTHER", WRONG), ("NANGO_ENVIRONMENT", "dev"), ("OP_SESSION", "abc")];
    let run = host(&folder, &vars, &["tools", "--key-command", &command]);
    assert_eq!(run.status.code(), Some(0), "{}", text(&run.stderr));
    let seen = std::fs::read_to_string(folder.join("seen")).unwrap();
    assert!(!seen.contains("NANGO_SECRET_KEY") && !seen.contains(WRONG), "{seen}");
    assert!(seen.contains("NANGO_ENVIRONMENT=dev") && seen.contains("OP_SESSION=abc"), "{seen}");
    assert_eq!(std::fs::read(folder.join("stdin")).unwrap(), b"");
}

#[test]
fn what_a_command_leaves_running_is_not_waited_for() {
    let folder = folder("keys-behind");
    let fifo = fifo(&folder, "fifo");
    // It holds the command's stdout until somebody opens the FIFO's other end.
    let command = format!("cat fifo 2>/dev/null & echo {KEY}");
    let run = host(&folder, &[], &["tools", "--key-command", &command]);
    assert_eq!(run.status.code(), Some(0), "{}", text(&run.stderr));
    std::fs::OpenOptions::new().write(true).open(fifo).unwrap();
}

#[test]
fn a_command_that_takes_too_long_is_ended_with_what_it_started() {
    let folder = folder("keys-slow");
    let fifo = fifo(&folder, "fifo");
    let held = fifo.clone();
    // Ends when nobody has the FIFO open any more.
    let reader = std::thread::spawn(move || std::fs::read_to_string(held).unwrap());
    let command = format!("exec 3>'{}'; echo started >&3; echo {KEY}; sleep 600 & sleep 600", fifo.display());
    let keys = Keys { key_command: vec![command], patience: Duration::from_millis(500), ..Keys::default() };
    let said = format!("{:#}", keys.read(&Vars::new()).unwrap_err());
    assert!(said.contains("the key command of the environment default took longer than 0.5 s") && !said.contains(KEY), "{said}");
    assert_eq!(reader.join().unwrap(), "started\n");
}

#[test]
fn keys_are_read_anew_each_time() {
    let folder = folder("keys-again");
    let path = file(&folder, "key", KEY, 0o600);
    let keys = Keys { key_file: vec![path.display().to_string()], ..Keys::default() };
    let read = || keys.read(&Vars::new()).unwrap();
    let expected = |key: &str| vec![("NANGO_SECRET_KEY".to_owned(), key.to_owned())];
    assert_eq!(read(), expected(KEY));
    std::fs::write(&path, WRONG).unwrap();
    assert_eq!(read(), expected(WRONG));
    std::fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    assert!(keys.read(&Vars::new()).is_err());
}

#[test]
fn an_env_file_that_others_can_read_is_warned_of() {
    let folder = folder("keys-env");
    let keyed = format!("NANGO_SECRET_KEY={KEY}\n");
    for (content, mode, warned) in [
        (keyed.as_str(), 0o644, true),
        (&keyed, 0o640, true),
        (&keyed, 0o600, false),
        ("NANGO_ENVIRONMENT=dev\nNANGO_SECRET_KEY=\n", 0o644, false),
    ] {
        let path = file(&folder, ".env", content, mode);
        std::fs::copy(&path, folder.join("named.env")).unwrap();
        for (vars, name) in [(vec![], ".env"), (vec![("NANGO_MCP_ENV_FILE", "named.env")], "named.env")] {
            let run = host(&folder, &vars, &["tools"]);
            let said = text(&run.stderr);
            assert_eq!(run.status.code(), Some(0), "{said}");
            let warning = format!("{name} holds an API key, and others on this machine can read it: `chmod 600 {name}`");
            assert!(said.contains(&warning) == warned && !said.contains(KEY), "{mode:o}: {said}");
        }
    }
}

/// Of a running host, whatever it was started for.
#[cfg(target_os = "linux")]
#[test]
fn there_is_no_core_dump_and_nobody_else_reads_the_environment() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nango-mcp-host"));
    command.args(["nango", "--listen", "127.0.0.1:0"]).env("NANGO_SECRET_KEY", KEY).stdout(Stdio::piped());
    // Root reads everything: as root, look at a host of another user.
    if std::fs::metadata("/proc/self").unwrap().uid() == 0 {
        command.uid(65534).gid(65534).current_dir("/");
    }
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => return println!("not tried: another user cannot start the host here ({error})"),
    };
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let proc = PathBuf::from(format!("/proc/{}", child.id()));
    let limits = std::fs::read_to_string(proc.join("limits"));
    let environ = std::fs::metadata(proc.join("environ")).map(|metadata| metadata.uid());
    let status = std::fs::read_to_string(proc.join("status"));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(line.contains("listens"), "{line}");
    let limits = limits.unwrap();
    let core: Vec<&str> = limits.lines().find_map(|line| line.strip_prefix("Max core file size")).unwrap().split_whitespace().collect();
    assert_eq!(core, ["0", "0", "bytes"], "{limits}");
    // What of a process that is not dumpable is not for everybody belongs to root (proc(5)).
    assert_eq!(environ.unwrap(), 0);
    // What benches read.
    assert!(status.unwrap().contains("VmRSS:"));
}

#[test]
fn nothing_shows_a_key_when_it_is_printed_for_debugging() {
    let vars = [("NANGO_MCP_ENVIRONMENTS", "dev"), ("NANGO_SECRET_KEY_DEV", KEY), ("NANGO_SECRET_KEY_IDLE", WRONG)];
    let vars: Vars = vars.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let config = Config::from_vars(vars.iter().cloned()).unwrap();
    let grant = grant(&vars).unwrap();
    for shown in [format!("{config:?}"), format!("{config:#?}"), format!("{grant:?}"), format!("{:?}", grant.secrets)] {
        assert!(!shown.contains(KEY) && !shown.contains(WRONG) && !shown.is_empty(), "{shown}");
    }
}
