#include "http/queue.h"

#include <algorithm>
#include <format>
#include <utility>
#include <vector>

namespace vb::http {

Queue::Queue(EventLoop& loop, const Backend& backend, const Limits& limits)
    : backend_(backend), most_waiting_(limits.queue), patience_(limits.queue_timeout),
      timer_(loop, [this] { expire(); }) {}

bool Queue::make_room(std::string_view client, std::size_t count) {
    const std::size_t most = backend_.parallel() + most_waiting_;
    if (count > most) { return false; }
    while (entries_.size() > most - count) {
        const auto own = waiting_.find(client);
        const std::size_t wanted = count + (own == waiting_.end() ? 0 : own->second.size());
        const auto greediest =
            std::ranges::max_element(waiting_, {}, [](const auto& one) { return one.second.size(); });
        if (greediest == waiting_.end() || greediest->second.size() <= wanted) { return false; }
        give_up(greediest->second.back(), "the queue is full, and most of it is this client's");
    }
    return true;
}

Queue::Place Queue::add(Entry entry) {
    const Place place = ++last_;
    const base::Nanoseconds patient = base::monotonic_now() + patience_;
    const base::Nanoseconds expires = entry.deadline ? std::min(*entry.deadline, patient) : patient;
    std::deque<Place>& line = waiting_[entry.client];
    if (line.empty()) { turns_.push_back(entry.client); }
    line.push_back(place);
    entries_.try_emplace(place, Held{.entry = std::move(entry), .expires = expires});
    begin_next();
    watch_time();
    return place;
}

void Queue::leave(Place place) {
    const auto found = entries_.find(place);
    if (found == entries_.end()) { return; }
    if (found->second.is_running) {
        --running_;
    } else {
        forget_turn(*found);
    }
    entries_.erase(found);
    begin_next();
    watch_time();
}

void Queue::give_up(Place place, std::string_view why) {
    const auto found = entries_.find(place);
    if (found == entries_.end()) { return; } // it has left with another of the same exchange
    const auto tell = std::move(found->second.entry.give_up);
    leave(place);
    tell(why);
}

void Queue::begin_next() {
    while (running_ < backend_.parallel() && !turns_.empty()) {
        std::string client = std::move(turns_.front());
        turns_.pop_front();
        const auto line = waiting_.find(client);
        const Place place = line->second.front();
        line->second.pop_front();
        if (line->second.empty()) {
            waiting_.erase(line);
        } else {
            turns_.push_back(std::move(client));
        }
        Held& held = entries_.at(place);
        held.is_running = true;
        ++running_;
        held.entry.begin();
    }
}

void Queue::forget_turn(const Entries::value_type& entry) {
    const std::string& client = entry.second.entry.client;
    const auto line = waiting_.find(client);
    std::erase(line->second, entry.first);
    if (!line->second.empty()) { return; }
    waiting_.erase(line);
    std::erase(turns_, client);
}

bool Queue::can_expire(const Held& held) const {
    return !held.is_running || backend_.state() == engine::State::loading;
}

void Queue::watch_time() {
    std::optional<base::Nanoseconds> first;
    for (const auto& [place, held] : entries_) {
        if (can_expire(held)) { first = base::earlier(first, held.expires); }
    }
    if (first == alarm_) { return; }
    alarm_ = first;
    if (!first) { return timer_.stop(); }
    timer_.start(std::max(*first - base::monotonic_now(), base::Nanoseconds{}));
}

void Queue::expire() {
    alarm_.reset();
    const base::Nanoseconds now = base::monotonic_now();
    const std::string why = std::format("the request waited {} ms and was not begun", patience_.count());
    std::vector<Place> over;
    for (const auto& [place, held] : entries_) {
        if (can_expire(held) && held.expires <= now) { over.push_back(place); }
    }
    for (const Place place : over) {
        give_up(place, why);
    }
    watch_time();
}

} // namespace vb::http
