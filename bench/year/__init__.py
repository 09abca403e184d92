"""A simulated year of use: what a week adds, what is deleted on its schedule, and a plot of the disks."""
