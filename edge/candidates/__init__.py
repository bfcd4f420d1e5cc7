"""Where an order's earlier photo may be asked for, if the order did not bring it."""
