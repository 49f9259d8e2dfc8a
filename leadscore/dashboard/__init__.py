"""What marketing and sales people look at: server-rendered pages over the selectors, live by polled fragments."""
