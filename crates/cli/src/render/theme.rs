//! The colours, by what they mean.

use deployer_core::Impact;
use owo_colors::Style;

/// What things look like; without colour all styles do nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Theme {
    /// Whether there are colours.
    pub(crate) is_coloured: bool,
    /// What stands out.
    pub(crate) strong: Style,
    /// What steps back.
    pub(crate) faint: Style,
    /// What is made, and what went well.
    pub(crate) good: Style,
    /// What is changed, and what to look at.
    pub(crate) caution: Style,
    /// What goes, and what went wrong.
    pub(crate) bad: Style,
    /// What is under way.
    pub(crate) running: Style,
}

impl Theme {
    /// The theme for a stream.
    pub fn new(is_coloured: bool) -> Self {
        if !is_coloured {
            return Self::default();
        }
        Self {
            is_coloured,
            strong: Style::new().bold(),
            faint: Style::new().dimmed(),
            good: Style::new().green(),
            caution: Style::new().yellow(),
            bad: Style::new().red(),
            running: Style::new().cyan(),
        }
    }

    /// The style of what users notice.
    pub(crate) fn impact(&self, impact: Impact) -> Style {
        match impact {
            Impact::None => self.faint,
            Impact::Rolling => self.running,
            Impact::Elsewhere | Impact::Restart => self.caution,
            Impact::Outage | Impact::DataLoss | Impact::Unknown => self.bad,
        }
    }
}
