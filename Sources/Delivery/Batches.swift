/// The result of one element of a batch, which is one request for several elements.
public enum BatchAnswer: Sendable {
  case settled(Result<TargetAnswer, CommandError>)
  /// Nothing was done: to be sent individually.
  case notApplied
  /// It may have been done: to be sent individually.
  case mayHaveBeenApplied

  public var settled: Result<TargetAnswer, CommandError>? {
    if case .settled(let result) = self { result } else { nil }
  }
}

/// Batches in flight: the vendor works on all elements of a batch at once. Each batch that is settled
/// completely allows one more, from `first` to `maximum`; any other one reduces them to one.
private enum ConcurrentBatches {
  static let first = 2
  static let maximum = 4
}

/// Sends elements in batches. After a batch that settled nothing no further one is sent: the others
/// would fare no better.
///
/// - Parameters:
///   - size: elements per batch.
///   - work: sends one batch. Its results are in the order of the elements.
///   - onSettled: called per settled element, as batches end.
/// - Returns: the results in the order of the elements; nil per element that was not sent.
package func sendInBatches<Element: Sendable>(
  _ elements: [Element], size: Int, _ work: @escaping @Sendable ([Element]) async -> [BatchAnswer],
  onSettled: @escaping @Sendable (Int, Result<TargetAnswer, CommandError>) async -> Void = {
    _, _ in
  }
) async -> [BatchAnswer?] {
  var results = [BatchAnswer?](repeating: nil, count: elements.count)
  await withTaskGroup(of: FinishedBatch.self) { group in
    var (room, inFlight, next) = (ConcurrentBatches.first, 0, 0)
    var hasFailed = false
    while true {
      while inFlight < room, next < elements.count, !hasFailed, !Task.isCancelled {
        let start = next
        let batch = Array(elements[start...].prefix(size))
        group.addTask {
          let answers = await work(batch)
          precondition(answers.count == batch.count, "a batch that answers for others")
          for (offset, answer) in answers.enumerated() {
            guard let result = answer.settled else { continue }
            await onSettled(start + offset, result)
          }
          return FinishedBatch(start: start, answers: answers)
        }
        next += batch.count
        inFlight += 1
      }
      guard let batch = await group.next() else { return }
      inFlight -= 1
      for (offset, answer) in batch.answers.enumerated() { results[batch.start + offset] = answer }
      let settled = batch.answers.count { $0.settled != nil }
      if settled == 0 { hasFailed = true }
      room = settled == batch.answers.count ? min(room + 1, ConcurrentBatches.maximum) : 1
    }
  }
  return results
}

private struct FinishedBatch: Sendable {
  let start: Int
  let answers: [BatchAnswer]
}
