import Foundation
import Testing

@testable import Basics

@Suite struct SecretScrubberTests {
  private let secret = #"p"ä\ss wörd/+%&="#

  private func scrubber(_ secrets: String...) -> SecretScrubber {
    let scrubber = SecretScrubber()
    for secret in secrets { scrubber.add(secret) }
    return scrubber
  }

  @Test func aSecretIsFoundInEverySpelling() {
    let scrubber = scrubber(secret)
    let percent = PercentEncoding.encode(secret)
    let data = Data(secret.utf8)
    for spelling in [
      secret, percent, percent.lowercased(), data.base64EncodedString(),
      Data("user:\(secret)".utf8).base64EncodedString(),
      Data("ab\(secret):x".utf8).base64EncodedString(),
    ] {
      let text = scrubber.scrub("before \(spelling) after")
      #expect(text.contains(SecretScrubber.replacement), "\(spelling)")
      #expect(!text.contains(spelling))
      #expect(text.hasPrefix("before ") && text.hasSuffix(" after"))
    }
  }

  @Test func jsonStaysJSONAndOtherwiseTheSame() throws {
    let scrubber = scrubber(secret, "12345678")
    let frame = JSONFragment { writer in
      writer.object {
        $0.member("a", "x\(secret)y")
        $0.name(text: "k\(secret)")
        $0.literal("12345678")
        $0.member("b", #"C:\Users"#)
        $0.literal(#""c":[1.50,null]"#)
      }
    }
    let clean = try JSON.parse(scrubber.scrub(json: frame.bytes))
    #expect(clean["a"]?.string == "x[redacted]y")
    #expect(clean["k[redacted]"]?.string == "[redacted]")
    #expect(clean["b"]?.string == #"C:\Users"#)
    #expect(clean["c"]?.sourceText == "[1.50,null]")
  }

  @Test func escapesHideNothing() throws {
    let scrubber = scrubber("sesame")
    let hidden = Array(#"{"a":"open \u0073\u0065same"}"#.utf8)
    let clean = try JSON.parse(scrubber.scrub(json: hidden))
    #expect(clean["a"]?.string == "open [redacted]")
  }

  @Test func whatHoldsNoSecretIsUntouched() {
    let text = Array(#"{"a":"C:\\x","b":"p\"a"}"#.utf8)
    #expect(scrubber(secret).scrub(json: text) == text)
  }

  @Test func theLongestOfSeveralSecretsIsReplacedWhole() {
    #expect(scrubber("secret", "secret-of-two").scrub("a secret-of-two b") == "a [redacted] b")
  }
}

@Suite struct SuggestionTests {
  @Test(arguments: [
    ("page_sise", "page_size"), ("pageSize", "page_size"), ("list_device", "list_devices"),
    ("completely_else", nil), ("", nil),
  ])
  func aLikelySlipIsRecognised(word: String, expected: String?) {
    let names = ["page_size", "list_devices", "scanner_id"]
    #expect(Suggestion.closest(to: word, among: names) == expected)
  }
}

@Suite struct WaitingTests {
  @Test func aSemaphoreHandsItsPlaceOnInOrder() async {
    let semaphore = TaskSemaphore(1)
    let deadline = Deadline(inMilliseconds: 10_000)
    #expect(await semaphore.acquire(until: deadline))
    async let second = semaphore.acquire(until: deadline)
    semaphore.release()
    #expect(await second)
    // Nobody gives it back before this deadline.
    #expect(await semaphore.acquire(until: Deadline(inMilliseconds: 20)) == false)
    semaphore.release()
    #expect(await semaphore.acquire(until: deadline))
  }

  @Test func aLatchEndsOnceByWhicheverComesFirst() async {
    let latch = Latch()
    #expect(latch.signal())
    #expect(await latch.wait())
    let late = Latch()
    #expect(await late.wait(until: Deadline(inMilliseconds: 5)) == false)
    #expect(late.signal() == false)
  }

  @Test func aCancelledTaskStopsWaiting() async {
    let latch = Latch()
    let waiting = Task { await latch.wait() }
    waiting.cancel()
    #expect(await waiting.value == false)
  }
}
