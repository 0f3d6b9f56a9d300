//! The whole against a scripted server: a thread that reads the device and answers as it is told.

mod ahead;
mod behaviour;
mod fuzz;
mod hostile;
mod server;
