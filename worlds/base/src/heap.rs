//! Memory of an instance, which lives for one call: it is given out in a row, behind the data, where it is from the beginning.
//!
//! An allocator that grows the memory costs the host two system calls a call, and one more page that is touched for the end of
//! what has grown; a call of create_connect_session touches five pages of this row. What comes back is given out again only if it was
//! the last, so that nothing has to be remembered. Who needs more than is in the row gets it from `rlsf`.

use core::alloc::{GlobalAlloc, Layout};
use core::cell::Cell;

/// The allocator of an instance: `#[global_allocator] static ALLOCATOR: Heap = Heap::new();`.
pub struct Heap {
    /// How many bytes of the row are given out.
    used: Cell<usize>,
    /// 1 kB of code instead of the C library's 11, and constant time for each allocation.
    rest: rlsf::SmallGlobalTlsf,
}

// What the linker calls the end of the data, and that of the memory of `--initial-memory` (.cargo/config.toml). What lies between
// is for an allocator; the C library's, which would take it, is not in the component.
unsafe extern "C" {
    static __heap_base: u8;
    static __heap_end: u8;
}

/// Where the row begins, and how long it is.
fn row() -> (usize, usize) {
    let begin = (&raw const __heap_base).addr();
    (begin, (&raw const __heap_end).addr().saturating_sub(begin))
}

/// Where in the row a block begins; `None` if it is one of the rest's.
fn place(block: *mut u8) -> Option<usize> {
    let (begin, length) = row();
    block.addr().checked_sub(begin).filter(|at| *at < length)
}

impl Heap {
    /// With nothing given out.
    pub const fn new() -> Self {
        Self { used: Cell::new(0), rest: rlsf::SmallGlobalTlsf::new() }
    }
}

impl Default for Heap {
    fn default() -> Self {
        Self::new()
    }
}

// SAFETY: an instance has one thread.
unsafe impl Sync for Heap {}

// SAFETY: what is given out lies between `used` and the end of the row, and is counted as used at once; `used` goes back only over
// the block that ends there, when its owner gives that back. So no two blocks overlap, and each is its owner's until then. What
// `rest` gives out is memory that it has grown by itself, so it is never in the row.
unsafe impl GlobalAlloc for Heap {
    #[inline(never)]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let (begin, length) = row();
        let free = begin + self.used.get();
        // Alignments are powers of two.
        let at = self.used.get() + (free.wrapping_neg() & (layout.align() - 1));
        match at.checked_add(layout.size()).filter(|end| *end <= length) {
            Some(end) => {
                self.used.set(end);
                core::ptr::with_exposed_provenance_mut(begin + at)
            }
            // SAFETY: the caller's promise is passed on.
            None => unsafe { self.rest.alloc(layout) },
        }
    }

    #[inline(never)]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        match place(block) {
            Some(at) if at + layout.size() == self.used.get() => self.used.set(at),
            Some(_) => {}
            // SAFETY: the caller's promise is passed on; it is a block of the rest's.
            None => unsafe { self.rest.dealloc(block, layout) },
        }
    }

    #[inline(never)]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let last = place(block).filter(|at| at + layout.size() == self.used.get());
        if let Some(end) = last.and_then(|at| at.checked_add(size)).filter(|end| *end <= row().1) {
            self.used.set(end);
            return block;
        }
        // SAFETY: the caller promises that `size` fits a layout of that alignment, and that `block` is one of this layout; it is
        // still given out, so the new block is elsewhere.
        unsafe {
            let new = self.alloc(Layout::from_size_align_unchecked(size, layout.align()));
            if !new.is_null() {
                core::ptr::copy_nonoverlapping(block, new, size.min(layout.size()));
                self.dealloc(block, layout);
            }
            new
        }
    }
}
