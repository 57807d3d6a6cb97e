//! What a call comes back with, as it leaves the sandbox.

use crate::sandbox::wit;
use crate::secrets::Secrets;

/// Either an outcome, or why there is none.
pub(crate) type Outcome = Result<wit::Outcome, wit::CallError>;

/// What the result in it holds, in bytes.
pub(crate) fn weight(outcome: &Outcome) -> u64 {
    let result = match outcome {
        Ok(wit::Outcome::Done(result)) => result,
        Ok(wit::Outcome::NeedsInput(needs)) => &needs.otherwise,
        Err(_) => return 0,
    };
    let content = result.content.iter().map(|content| match content {
        wit::Content::Text(text) => text.len(),
        wit::Content::File(file) => file.bytes.len() + file.uri.len(),
        wit::Content::Link(link) => link.uri.len() + link.name.len(),
    });
    let beside = result.structured.iter().chain(&result.meta).map(String::len);
    u64::try_from(content.chain(beside).sum::<usize>()).unwrap_or(u64::MAX)
}

/// Take the keys out of it. The component does not know them, so one that a person wrote into the arguments would come back.
pub(crate) fn mask(outcome: &mut Outcome, secrets: &Secrets) {
    match outcome {
        Ok(wit::Outcome::Done(result)) => mask_result(result, secrets),
        Ok(wit::Outcome::NeedsInput(needs)) => {
            mask_result(&mut needs.otherwise, secrets);
            let questions = needs.questions.iter_mut().map(|question| &mut question.message);
            questions.chain(&mut needs.state).for_each(|text| secrets.mask_text(text));
        }
        Err(wit::CallError::UnknownTool(text) | wit::CallError::Configuration(text)) => secrets.mask_text(text),
        Err(wit::CallError::MalformedArguments) => {}
    }
}

fn mask_result(result: &mut wit::CallResult, secrets: &Secrets) {
    for content in &mut result.content {
        match content {
            wit::Content::Text(text) => secrets.mask_text(text),
            wit::Content::File(file) => secrets.mask(&mut file.bytes),
            wit::Content::Link(link) => secrets.mask_text(&mut link.uri),
        }
    }
    result.structured.iter_mut().chain(&mut result.meta).for_each(|text| secrets.mask_text(text));
}
