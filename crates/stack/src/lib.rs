//! YAML in; a checked stack, or every mistake in it, out. The only crate that knows YAML.
//!
//! The text is read once into nodes that know their places. The environment is laid over, `${…}`
//! filled in, each body read through its own type, the sections expanded into resources, the
//! `resources:` merged in, and the whole checked.

mod advice;
mod as_guest;
mod bodies;
mod check;
mod draft;
mod env_file;
mod expanded;
mod facets;
mod found;
mod guest;
mod head;
mod indent;
mod interpolate;
mod language;
mod later;
mod like;
mod load;
mod mistakes;
mod node;
mod outline;
mod overlay;
mod quantities;
mod regions;
mod resources;
mod scalar;
mod schedule;
mod schema;
mod section;
mod sections;
mod shape;
mod source;
mod stored;
mod text_form;
mod values;
mod words;
mod written;
mod yaml;
mod zones;

pub use expanded::expanded;
pub use found::{Found, LENT, Sought, Tagged};
pub use head::Options;
pub use load::{Loaded, load};
pub use outline::{Outline, Whose, outline};
pub use schema::schema;
pub use values::values;
pub use written::Written;
pub use yaml::to_yaml;
pub use zones::Zones;
