//! The custom sections of a component.

/// All of them, by name.
pub(crate) fn of(component: &[u8]) -> Vec<(String, Vec<u8>)> {
    fn number(bytes: &mut &[u8]) -> usize {
        let (mut value, mut shift) = (0, 0);
        loop {
            let (first, rest) = bytes.split_first().unwrap();
            *bytes = rest;
            value |= usize::from(first & 0x7f) << shift;
            shift += 7;
            if first & 0x80 == 0 {
                return value;
            }
        }
    }
    let (mut rest, mut found) = (&component[8..], Vec::new());
    while let Some((id, after)) = rest.split_first() {
        rest = after;
        let length = number(&mut rest);
        let (mut content, next) = rest.split_at(length);
        if *id == 0 {
            let length = number(&mut content);
            let (name, content) = content.split_at(length);
            found.push((String::from_utf8(name.to_vec()).unwrap(), content.to_vec()));
        }
        rest = next;
    }
    found
}
