import Delivery
import HTTP
import Testing

@Suite struct RetryPolicyTests {
  private let policy = RetryPolicy(attempts: 3, baseMilliseconds: 100, maximumMilliseconds: 1_000)

  /// Whether a request is retried: a repeatable one, and one that is not.
  @Test(arguments: [
    (200, false, false), (204, false, false), (301, false, false), (400, false, false),
    (401, false, false), (403, false, false), (404, false, false), (408, true, false),
    (409, false, false), (422, false, false), (429, true, true), (500, true, false),
    (501, false, false), (502, true, false), (503, true, false), (504, true, false),
    (505, false, false), (507, false, false), (519, false, false), (520, true, false),
    (522, true, false), (524, true, false), (525, false, false), (599, false, false),
  ])
  func `a status is retried only if a retry is safe`(
    status: Int, whenRepeatable: Bool, otherwise: Bool
  ) {
    for (isRepeatable, isRepeated) in [(true, whenRepeatable), (false, otherwise)] {
      for retryAfter in [nil, 0, 7_000] {
        for attempt in 1...4 {
          let delay = policy.delay(
            afterStatus: status, retryAfterMilliseconds: retryAfter, attempt: attempt,
            isRepeatable: isRepeatable, randomness: 0)
          #expect((delay != nil) == (isRepeated && attempt < 3), "attempt \(attempt)")
          if let delay, let retryAfter { #expect(delay == retryAfter) }
        }
      }
    }
  }

  /// Whether a request is retried: not sent; possibly sent and repeatable; possibly sent and not
  /// repeatable.
  @Test(arguments: [
    (TransportError.Kind.cannotConnect, true, true, true), (.timedOut, true, true, false),
    (.interrupted, true, true, false), (.refused, true, true, true), (.tls, false, false, false),
    (.proxy, false, false, false), (.undecodable, false, false, false),
    (.responseTooLarge, false, false, false), (.tooManyRedirects, false, false, false),
    (.cancelled, false, false, false), (.unavailable, false, false, false),
  ])
  func `a transport error is retried only if a retry is safe`(
    kind: TransportError.Kind, notArrived: Bool, whenRepeatable: Bool, otherwise: Bool
  ) {
    for (mayHaveArrived, isRepeatable, isRepeated) in [
      (false, false, notArrived), (false, true, notArrived), (true, true, whenRepeatable),
      (true, false, otherwise),
    ] {
      for attempt in 1...4 {
        let delay = policy.delay(
          after: TransportError(kind, "", mayHaveArrived: mayHaveArrived), attempt: attempt,
          isRepeatable: isRepeatable, randomness: 0)
        #expect((delay != nil) == (isRepeated && attempt < 3), "attempt \(attempt)")
      }
    }
  }

  @Test(arguments: [
    (1, 50, 100), (2, 100, 200), (3, 200, 400), (4, 400, 800), (5, 500, 1_000), (8, 500, 1_000),
    (60, 500, 1_000),
  ])
  func `the back-off doubles up to its maximum and is half random`(
    attempt: Int, least: Int, most: Int
  ) {
    let policy = RetryPolicy(attempts: 99, baseMilliseconds: 100, maximumMilliseconds: 1_000)
    for (randomness, expected) in [(0, least), (0.5, (least + most) / 2), (1, most)] {
      let afterStatus = policy.delay(
        afterStatus: 429, retryAfterMilliseconds: nil, attempt: attempt, isRepeatable: true,
        randomness: randomness)
      let afterError = policy.delay(
        after: TransportError(.cannotConnect, "", mayHaveArrived: false), attempt: attempt,
        isRepeatable: true, randomness: randomness)
      #expect(afterStatus == expected)
      #expect(afterError == expected)
    }
  }

  @Test func `the default is four attempts`() {
    let delays = (1...5).map { attempt in
      RetryPolicy().delay(
        afterStatus: 503, retryAfterMilliseconds: nil, attempt: attempt, isRepeatable: true,
        randomness: 1)
    }
    #expect(delays == [250, 500, 1_000, nil, nil])
  }
}
