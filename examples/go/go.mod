module example/chat

go 1.23
