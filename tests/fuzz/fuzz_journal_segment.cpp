// Any bytes as a segment of the journal: as they are; as one record; and as frames with the right checksums
// around them, which no fuzzer would guess, with damage in between. Views stay within, what comes out is plain
// text and encodes to the same again, and a whole frame is found behind any damage.
#include "journal/plain_text.h"
#include "journal/segment.h"

#include <algorithm>
#include <cstdlib>
#include <vector>

namespace {

using namespace vb::journal;
using Bytes = std::span<const std::byte>;

void expect(bool condition) {
    if (!condition) { std::abort(); }
}

void check_payload(Bytes payload) {
    Encoded again;
    if (const auto record = decode_record(payload)) {
        expect(is_plain(record->unit) && is_plain(record->text));
        expect(record->unit.size() <= most_unit_bytes && record->text.size() <= most_text_bytes);
        encode(*record, again);
        const auto same = decode_record(again.view());
        expect(same && same->sequence == record->sequence && same->text == record->text &&
               same->unit == record->unit && same->level == record->level && same->cut == record->cut &&
               same->times.realtime == record->times.realtime);
        expect(!decode_marker(payload));
    }
    if (const auto marker = decode_marker(payload)) {
        encode(*marker, again);
        const auto same = decode_marker(again.view());
        expect(same && same->run == marker->run && same->boot == marker->boot && same->next == marker->next);
    }
}

std::size_t read_all(Bytes bytes, std::uint64_t segment) {
    SegmentReader frames(bytes, segment);
    std::size_t count = 0;
    while (const auto payload = frames.next()) {
        expect(payload->data() >= bytes.data() &&
               payload->data() + payload->size() <= bytes.data() + bytes.size());
        check_payload(*payload);
        ++count;
    }
    expect(frames.end() <= bytes.size() && frames.damaged() <= frames.end());
    expect(summarize(bytes, segment).end == frames.end());
    return count;
}

// The input as payloads, each led by a byte that says how long it is and a byte of damage in front of it.
void check_framed(Bytes input) {
    std::vector<std::byte> segment;
    std::size_t frames = 0;
    while (input.size() > 2) {
        const std::size_t size = (std::to_integer<std::size_t>(input[0]) % (most_encoded_bytes / 8) + 1) * 8;
        segment.insert(segment.end(), (std::to_integer<std::size_t>(input[1]) % 4) * 8, input[1]);
        input = input.subspan(2);
        std::vector<std::byte> payload(size);
        const std::size_t taken = std::min(size, input.size());
        std::ranges::copy(input.first(taken), payload.begin());
        input = input.subspan(taken);
        std::byte frame[most_frame_bytes];
        const std::size_t length = put_frame(payload, 7, frame);
        expect(length == sizeof(FrameHeader) + size);
        segment.insert(segment.end(), frame, frame + length);
        if (size >= least_encoded_bytes) { ++frames; }
    }
    expect(read_all(segment, 7) == frames);
    expect(read_all(segment, 8) == 0);
}

} // namespace

// NOLINTNEXTLINE(readability-identifier-naming): the name is libFuzzer's
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const Bytes input = std::as_bytes(std::span(data, size));
    read_all(input, 1);
    check_payload(input);
    check_framed(input);
    return 0;
}
