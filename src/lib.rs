//! trailsink
pub mod columns;
pub mod extract;
pub mod json;
pub mod partition;
pub mod rejected;
pub mod schema;
