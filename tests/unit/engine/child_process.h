// Runs a program on a file in a process of its own, for what could end the process.
#pragma once

#include <gtest/gtest.h>

#include <fcntl.h>
#include <spawn.h>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

namespace vb::test {

// The wait status. What the program says is dropped.
inline int run_on_file(std::string program, std::string file) {
    char* const words[] = {program.data(), file.data(), nullptr};
    std::string no_trace = "GGML_NO_BACKTRACE=1"; // ggml would start a debugger on itself
    std::string one_thread = "OMP_NUM_THREADS=1";
    std::string no_spinning = "OMP_WAIT_POLICY=PASSIVE";
    char* const environment[] = {no_trace.data(), one_thread.data(), no_spinning.data(), nullptr};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    pid_t child = 0;
    const int fault = posix_spawn(&child, words[0], &actions, nullptr, words, environment);
    posix_spawn_file_actions_destroy(&actions);
    EXPECT_EQ(fault, 0);
    int status = -1;
    if (fault == 0) { waitpid(child, &status, 0); }
    return status;
}

inline bool succeeded(int status) { return WIFEXITED(status) && WEXITSTATUS(status) == 0; }

} // namespace vb::test
