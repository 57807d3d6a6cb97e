//! The rules that no published schema says.
