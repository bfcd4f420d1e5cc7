"""HTTP listeners: they translate between people, centres and the station, and decide nothing."""
