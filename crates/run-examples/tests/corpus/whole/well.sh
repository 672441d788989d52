hello World
