module brickyard

go 1.26.0
