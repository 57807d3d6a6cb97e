//! The order of functions in a module, so that what is alike stands side by side: gzip looks 32 KiB back, and the code of
//! a component is ten times that.

use std::collections::HashMap;

use anyhow::{Context as _, Result};
use wasmparser::{Parser, Payload, TypeRef};

use crate::sections::length;

/// Bytes in a row that two functions have in common, or not: one instruction or two.
const RUN: usize = 6;

/// How much of the code before a function it is compared with: more is nearer to what gzip sees, but less like the function's
/// neighbours (tried: 8, 10, 12, 16, 24 and 30 KiB).
const WINDOW: usize = 12 * 1024;

/// The module with names for its functions that sort in the order in which they should stand.
pub(crate) fn named(module: &[u8]) -> Result<Vec<u8>> {
    let (mut imported, mut bodies) = (0_usize, Vec::new());
    for payload in Parser::new(0).parse_all(module) {
        match payload.context("the optimised module cannot be read")? {
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    imported += usize::from(matches!(import?.ty, TypeRef::Func(_)));
                }
            }
            Payload::CodeSectionEntry(body) => bodies.push(body.as_bytes()),
            _ => {}
        }
    }
    let mut places = vec![0; bodies.len()];
    for (place, function) in alike(&bodies).into_iter().enumerate() {
        if let Some(slot) = places.get_mut(function) {
            *slot = place;
        }
    }
    // The name section (core specification, appendix, "Name Section"), its subsection 1: names of functions.
    let mut names = length(places.len());
    for (function, place) in places.iter().enumerate() {
        names.extend(length(imported + function));
        names.extend(text(&format!("{place:06}")));
    }
    let subsection = [vec![1], length(names.len()), names].concat();
    let section = [text("name"), subsection].concat();
    Ok([module.to_vec(), vec![0], length(section.len()), section].concat())
}

fn text(text: &str) -> Vec<u8> {
    [length(text.len()), text.as_bytes().to_vec()].concat()
}

/// The functions in an order in which each has much in common with those before it: always the one next whose runs of
/// bytes are most found in the window. Equal ones in their own order, so that it is the same every time.
fn alike(bodies: &[&[u8]]) -> Vec<usize> {
    let mut holders: HashMap<&[u8], Vec<usize>> = HashMap::new();
    let mut runs: Vec<Vec<&[u8]>> = Vec::new();
    for (function, body) in bodies.iter().enumerate() {
        let mut own: Vec<&[u8]> = body.windows(RUN).collect();
        own.sort_unstable();
        own.dedup();
        own.iter().for_each(|run| holders.entry(run).or_default().push(function));
        runs.push(own);
    }
    let mut seen: HashMap<&[u8], usize> = HashMap::new();
    let mut common = vec![0_isize; bodies.len()];
    let mut left: Vec<usize> = (0..bodies.len()).collect();
    let (mut order, mut begin, mut size) = (Vec::new(), 0, 0);
    // In millionths, so that no rounding decides; a few runs in common say little of a short function.
    let share = |function: usize, common: &[isize]| {
        let (have, of) = (common.get(function).copied().unwrap_or(0), runs.get(function).map_or(0, Vec::len));
        (have * 1_000_000) / (of as isize + 20)
    };
    while let Some(at) = (0..left.len()).rev().max_by_key(|at| left.get(*at).map(|function| share(*function, &common))) {
        let next = left.remove(at);
        order.push(next);
        size += bodies.get(next).map_or(0, |body| body.len());
        for run in runs.get(next).into_iter().flatten() {
            let times = seen.entry(run).or_insert(0);
            *times += 1;
            if *times == 1 {
                shift(&mut common, holders.get(run), 1);
            }
        }
        while size > WINDOW
            && begin + 1 < order.len()
            && let Some(old) = order.get(begin).copied()
        {
            begin += 1;
            size -= bodies.get(old).map_or(0, |body| body.len());
            for run in runs.get(old).into_iter().flatten() {
                let times = seen.entry(run).or_insert(1);
                *times -= 1;
                if *times == 0 {
                    shift(&mut common, holders.get(run), -1);
                }
            }
        }
    }
    order
}

/// One run more or less that these functions have in common with the window.
fn shift(common: &mut [isize], holders: Option<&Vec<usize>>, by: isize) {
    for holder in holders.into_iter().flatten() {
        if let Some(count) = common.get_mut(*holder) {
            *count += by;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_alike_stands_side_by_side() {
        let body = |seed: u8| -> Vec<u8> { (0..200_u16).map(|at| (at as u8).wrapping_mul(seed).wrapping_add(seed)).collect() };
        let (one, other) = (body(7), body(31));
        let mut almost = one.clone();
        almost[0] = 99;
        let order = alike(&[&one, &other, &almost]);
        assert_eq!(order, [0, 2, 1]);
        assert_eq!(alike(&[]), Vec::<usize>::new());
    }
}
