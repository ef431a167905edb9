import Basics
import JSON

/// The way from the root to a node, shared with its siblings up to the parent. A chain is released
/// step by step in recursion, which the depth limit of the document's reader bounds.
final class Location: Sendable {
  enum Step: Sendable {
    case name(JSON)
    case index(Int)
  }

  let parent: Location?
  let step: Step

  init(parent: Location?, step: Step) {
    self.parent = parent
    self.step = step
  }
}
