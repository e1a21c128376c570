module github.com/callboard/callboard/sdk

go 1.26.0
