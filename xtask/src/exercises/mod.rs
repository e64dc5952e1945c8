//! The exercises: marks in the finished crates, from which a student's
//! workspace is cut, checked and graded.

mod course;
mod id;
mod manifest;
mod marks;
mod pack;
