//! What was written, for people: on the terminal, and as the table in docs/packages.md.

use crate::component::{Component, sha256};

/// One component with all that goes with it.
pub fn of(component: &Component, policy: Option<&[u8]>, bill: &str, layout: &str) -> String {
    let Component { file, name, version, license, description, source, .. } = component;
    let mut lines = vec![
        format!("dist/{file}"),
        format!("  {name} {version}, {license}: {description}"),
        format!("  source   {}", source.as_deref().unwrap_or("not said: Cargo.toml names no repository")),
        format!("  size     {} bytes, {} with gzip", component.bytes.len(), component.compressed()),
        format!("  sha256   {}", sha256(&component.bytes)),
    ];
    for (what, names) in [("imports", &component.imports), ("exports", &component.exports)] {
        for (at, name) in names.iter().enumerate() {
            lines.push(format!("  {:<8} {name}", if at == 0 { what } else { "" }));
        }
    }
    lines.push(format!("  with     dist/{bill}, dist/{layout}{}", if policy.is_some() { " (component and policy)" } else { "" }));
    lines.join("\n") + "\n"
}

/// The table of sizes: in kB, rounded, so that it changes when they do and not at every build.
pub fn table<'a>(components: impl IntoIterator<Item = &'a Component>) -> String {
    let mut table = "| File | kB | kB with gzip | Exports |\n|---|---|---|---|\n".to_owned();
    for component in components {
        let exports: Vec<String> = component.exports.iter().map(|name| format!("`{name}`")).collect();
        let (raw, zip) = (kilobytes(component.bytes.len()), kilobytes(component.compressed()));
        table.push_str(&format!("| `{}` | {raw} | {zip} | {} |\n", component.file, shorter(&exports)));
    }
    table
}

/// All of a few, else the first and how many.
fn shorter(names: &[String]) -> String {
    match names {
        [first, rest @ ..] if rest.len() > 3 => format!("{first} and {} more", rest.len()),
        all => all.join(", "),
    }
}

fn kilobytes(bytes: usize) -> usize {
    (bytes + 500) / 1000
}
