//! `dist FILE=PACKAGE ...`, from the root of the repository: everything that is given away with these components.

use std::io::Write as _;
use std::path::Path;

use anyhow::Result;
use dist::Named;

fn main() -> Result<()> {
    let named: Vec<Named> = std::env::args().skip(1).map(|word| Named::read(&word)).collect::<Result<_>>()?;
    let listing = dist::write(Path::new("."), Path::new("dist"), &named)?;
    Ok(std::io::stdout().write_all(listing.as_bytes())?)
}
