//! docs/performance.svg: how the times of a call with one POST are distributed.

use std::path::Path;

use anyhow::{Result, anyhow};
use plotters::prelude::*;

use crate::calls::{NATIVE, SANDBOX, STDIO};
use crate::report::Measured;

const WAYS: [(usize, &str); 3] = [(NATIVE, "native client"), (SANDBOX, "through the sandbox"), (STDIO, "MCP on stdio")];

pub(crate) fn draw(measured: &Measured, path: &Path) -> Result<()> {
    drawn(measured, path).map_err(|error| anyhow!("{}: {error}", path.display()))
}

fn drawn(measured: &Measured, path: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let area = SVGBackend::new(path, (800, 420)).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .caption("create_connect_session: calls answered within a time", ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(44)
        .y_label_area_size(52)
        .build_cartesian_2d((10.0..3000.0_f64).log_scale(), 0.0..100.0_f64)?;
    let labels = |time: &f64| format!("{time:.0}");
    chart
        .configure_mesh()
        .x_desc("microseconds")
        .y_desc("percent of calls")
        .x_label_formatter(&labels)
        .y_label_formatter(&labels)
        .light_line_style(WHITE)
        .draw()?;
    for (at, placement) in measured.placements.iter().enumerate() {
        for (color, (way, name)) in WAYS.into_iter().enumerate() {
            let points =
                (0..100).map(|percent| (placement.link(way, usize::try_from(percent).unwrap_or_default()).max(1.0), f64::from(percent)));
            let style = Palette99::pick(color).stroke_width(2);
            let label = format!("{name}, {}", placement.name);
            // The first placement is drawn whole, the second in dashes.
            let series = if at == 0 {
                chart.draw_series(LineSeries::new(points, style))?
            } else {
                chart.draw_series(DashedLineSeries::new(points, 6, 4, style))?
            };
            let stroke = if at == 0 { 2 } else { 1 };
            series.label(label).legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], Palette99::pick(color).stroke_width(stroke)));
        }
    }
    chart.configure_series_labels().position(SeriesLabelPosition::LowerRight).background_style(WHITE).border_style(BLACK).draw()?;
    area.present()?;
    Ok(())
}
