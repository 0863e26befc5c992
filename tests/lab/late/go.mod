module lab/late

go 1.26.0
