clean one
