//! How values lie in memory, and how many core values they are (component-model, CanonicalABI.md, "alignment", "element size",
//! "flattening").

use nango_mcp::tool::Param;
use nango_mcp::typed::Type;

/// Which way a value goes: the same table stands for another type as an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    In,
    Out,
}

impl Way {
    /// The type of a field.
    pub(crate) fn of(self, param: &'static Param) -> Type {
        self.item(param.kind)
    }

    /// The type of a list's items.
    pub(crate) fn item(self, kind: &'static nango_mcp::tool::Kind) -> Type {
        match self {
            Self::In => Type::argument(kind),
            Self::Out => Type::result(kind),
        }
    }
}

/// A value's form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) size: usize,
    pub(crate) align: usize,
    /// How many core values it is.
    pub(crate) flat: usize,
}

const fn scalar(size: usize) -> Layout {
    Layout { size, align: size, flat: 1 }
}

/// The next multiple of a power of two.
pub(crate) const fn up(at: usize, align: usize) -> usize {
    at.wrapping_add(align - 1) & !(align - 1)
}

impl Layout {
    pub(crate) fn of(of: Type, way: Way) -> Self {
        match of {
            Type::Bool | Type::Choice(_) => scalar(1),
            Type::U32 => scalar(4),
            Type::S64 => scalar(8),
            // An address and a length.
            Type::Text | Type::Json | Type::List(_) | Type::Pairs => Self { size: 8, align: 4, flat: 2 },
            Type::Record(params) => Self::record(params.iter().map(|param| (way.of(param), !param.required)), way),
        }
    }

    /// Of fields one after the other; those that are optional are options.
    pub(crate) fn record(fields: impl Iterator<Item = (Type, bool)>, way: Way) -> Self {
        let mut record = Self { size: 0, align: 1, flat: 0 };
        for (of, optional) in fields {
            let field = Self::of(of, way);
            record = record.then(if optional { field.option() } else { field });
        }
        Self { size: up(record.size, record.align), ..record }
    }

    /// Of two values, the one after the other, as a record of both.
    pub(crate) fn and(self, next: Self) -> Self {
        let both = self.then(next);
        Self { size: up(both.size, both.align), ..both }
    }

    fn then(self, next: Self) -> Self {
        Self { size: up(self.size, next.align) + next.size, align: self.align.max(next.align), flat: self.flat + next.flat }
    }

    /// Of an option of it: one byte that says whether it is there, then the value.
    pub(crate) fn option(self) -> Self {
        let whole = scalar(1).then(self);
        Self { size: up(whole.size, whole.align), ..whole }
    }
}

/// Two texts: what `list<tuple<string, string>>` is a list of.
pub(crate) const PAIR: Layout = Layout { size: 16, align: 4, flat: 4 };
