//! Paging of GET /connections, which knows `limit` and `page` (offset = page × limit) but neither total nor next.

/// Nango's own greatest `limit`.
const MAX_LIMIT: usize = 2000;

/// One request's `limit` and `page` that cover a slice of the list, with one row more where that is possible: the
/// extra row tells whether there is a next page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// `limit` of the request.
    pub limit: usize,
    /// `page` of the request.
    pub page: usize,
    /// Rows of the answer that lie before the slice.
    pub skip: usize,
}

impl Window {
    /// The smallest window over `rows` rows from `offset` on, and one more.
    ///
    /// Because an offset must be a multiple of the limit, the window may begin earlier and be larger. Where none
    /// fits into Nango's limit, the slice alone is asked for, and only a full page hints at a next one.
    pub fn over(offset: usize, rows: usize) -> Self {
        (rows + 1..=MAX_LIMIT).find(|limit| offset % limit + rows < *limit).map_or(
            Self { limit: rows, page: offset / rows.max(1), skip: 0 },
            |limit| Self { limit, page: offset / limit, skip: offset % limit },
        )
    }

    /// Whether an answer of `found` rows leaves more behind a slice of `rows`.
    pub fn has_next(self, found: usize, rows: usize) -> bool {
        if self.limit > rows { found > self.skip + rows } else { found == rows }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_cover_every_page_once_and_see_the_next() {
        for rows in [1, 2, 7, 50, 200] {
            for total in [0, 1, 49, 50, 51, 200, 201, 1000] {
                let (mut offset, mut seen) = (0, Vec::<usize>::new());
                loop {
                    let window = Window::over(offset, rows);
                    let start = window.page * window.limit;
                    let answer: Vec<usize> = (start..total.min(start + window.limit).max(start)).collect();
                    seen.extend(answer.iter().skip(window.skip).take(rows));
                    assert!(window.limit <= MAX_LIMIT);
                    if !window.has_next(answer.len(), rows) {
                        break;
                    }
                    offset += rows;
                }
                assert_eq!(seen, (0..total).collect::<Vec<_>>(), "{rows} of {total}");
            }
        }
    }

    #[test]
    fn the_first_page_asks_for_one_row_more() {
        assert_eq!(Window::over(0, 50), Window { limit: 51, page: 0, skip: 0 });
    }
}
