//! Bytes of each tool in tools/list, largest first: what every conversation pays for it.

#![allow(clippy::print_stdout, reason = "a program for people")]

use nango_mcp::{Config, list_tools};
use serde_json::{Value, json};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let config = Config::from_vars([])?;
    let size = |value: &Value| value.to_string().len();
    let mut rows: Vec<_> = list_tools(&config)
        .iter()
        .map(|listed| {
            let entry = listed.entry;
            let annotations = json!({"readOnlyHint": true, "destructiveHint": true, "idempotentHint": true, "openWorldHint": true});
            let tool = json!({
                "name": entry.name, "title": entry.title, "description": entry.description, "inputSchema": listed.input_schema,
                "outputSchema": listed.output_schema, "annotations": annotations,
            });
            (size(&tool), entry.description.len(), size(&listed.input_schema), size(&listed.output_schema), entry.name)
        })
        .collect();
    rows.sort_unstable_by(|one, other| other.cmp(one));
    println!("{:>6} {:>11} {:>9} {:>6}", "bytes", "description", "arguments", "result");
    for (all, description, arguments, result, name) in &rows {
        println!("{all:>6} {description:>11} {arguments:>9} {result:>6}  {name}");
    }
    println!("{:>6} in all", rows.iter().map(|row| row.0).sum::<usize>());
    Ok(())
}
