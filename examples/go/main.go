// Chats with a model: each line of the standard input is a question, the answer comes as it is made.
//
//	go run . model.gguf
package main

import (
	"bufio"
	"fmt"
	"os"
)

func chat(path string) error {
	model, err := Open(path)
	if err != nil {
		return err
	}
	defer model.Close()
	session, err := model.NewSession()
	if err != nil {
		return err
	}
	defer session.Close()

	questions := bufio.NewScanner(os.Stdin)
	for questions.Scan() {
		message := Message{Role: "user", Content: questions.Text()}
		for piece, err := range session.Chat([]Message{message}, 256) {
			if err != nil {
				return err
			}
			fmt.Print(piece)
		}
		fmt.Println()
	}
	return questions.Err()
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: chat MODEL.gguf")
		os.Exit(2)
	}
	if err := chat(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
