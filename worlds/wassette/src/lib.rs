//! The component `nango-mcp-wassette.wasm`: every tool as a function of the world, typed as wit/tools.wit says.
//!
//! Values come and go by the tables of the tools (`nango_mcp::typed`): a function here is a name. Code for each field of each
//! function, as generated bindings have it, would be larger than all tools together may be.

mod call;
mod layout;
mod lift;
mod lower;

use self::call::{Given, called};

#[global_allocator]
static ALLOCATOR: nango_mcp_base::Heap = nango_mcp_base::Heap::new();

/// What the world is, for the linker, which makes a component of it.
#[used]
#[unsafe(link_section = "component-type:nango-wassette")]
static WORLD: [u8; include_bytes!(concat!(env!("OUT_DIR"), "/world.bin")).len()] = *include_bytes!(concat!(env!("OUT_DIR"), "/world.bin"));

include!(concat!(env!("OUT_DIR"), "/exports.rs"));
