// Runs a program on a file in a process of its own, for what could end the process.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <fcntl.h>
#include <ostream>
#include <spawn.h>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace vb::test {

struct Ended {
    int status = -1;  // of wait
    std::string said; // on stderr

    bool by_itself() const { return WIFEXITED(status); }
    bool succeeded() const { return by_itself() && WEXITSTATUS(status) == 0; }
    bool refused() const { return by_itself() && WEXITSTATUS(status) == 1; }
    friend std::ostream& operator<<(std::ostream& stream, const Ended& ended) {
        return stream << "wait status " << ended.status << ", said: " << ended.said;
    }
};

inline Ended run_on_file(std::string program, std::string file) {
    char* const words[] = {program.data(), file.data(), nullptr};
    std::string no_trace = "GGML_NO_BACKTRACE=1"; // ggml would start a debugger on itself
    std::string no_spinning = "OMP_WAIT_POLICY=PASSIVE";
    std::vector<char*> environment{no_trace.data(), no_spinning.data()};
    for (char** inherited = environ; *inherited != nullptr; ++inherited) { // the sanitizers' options
        environment.push_back(*inherited);
    }
    environment.push_back(nullptr);
    std::array<int, 2> ends{};
    EXPECT_EQ(pipe2(ends.data(), O_CLOEXEC), 0);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
    pid_t child = 0;
    const int fault = posix_spawn(&child, words[0], &actions, nullptr, words, environment.data());
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    EXPECT_EQ(fault, 0);
    Ended ended;
    std::array<char, 4096> part{};
    for (ssize_t size = 0; (size = read(ends[0], part.data(), part.size())) > 0;) {
        ended.said.append(part.data(), static_cast<std::size_t>(size));
    }
    close(ends[0]);
    if (fault == 0) { waitpid(child, &ended.status, 0); }
    return ended;
}

} // namespace vb::test
