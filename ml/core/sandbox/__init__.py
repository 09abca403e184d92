"""The sandbox: a process of its own that checks, tries and scores a bundle, with limits of time and memory."""
