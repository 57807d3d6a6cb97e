//! What every world needs of its instance: memory for one call, and its variables.

mod heap;

pub use heap::Heap;

// Through the C library, which `std` asks for variables, they would bring its allocator along.
#[allow(missing_docs, unreachable_pub, clippy::all, clippy::pedantic, reason = "generated from WASI's own interface")]
mod wasi {
    wit_bindgen::generate!({
        inline: "
            package wasi:cli@0.2.6;
            interface environment {
                get-environment: func() -> list<tuple<string, string>>;
                get-arguments: func() -> list<string>;
                initial-cwd: func() -> option<string>;
            }
            world variables { import environment; }
        ",
        world: "variables",
    });
}

/// The variables of this instance, in its host's order (`wasi:cli/environment`).
#[must_use]
pub fn variables() -> Vec<(String, String)> {
    wasi::wasi::cli::environment::get_environment()
}
