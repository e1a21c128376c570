package notifications

import (
	"context"
	"slices"
	"strings"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/config"
)

// webChannel is the notifications page itself, the one channel that there is.
const webChannel = "Web"

// Settings say what a user wants to be notified of. Ids are compared in any case.
type Settings struct {
	Channels []ChannelSetting `json:"channels"`
}

// ChannelSetting is about one way of delivery. Enabled nil is "yes, unless an origin says no"; false is "no, unless an
// origin says yes".
type ChannelSetting struct {
	ID      string          `json:"id"`
	Enabled *bool           `json:"enabled,omitempty"`
	Origins []OriginSetting `json:"origins"`
}

// OriginSetting is about one sender.
type OriginSetting struct {
	ID      string         `json:"id"`
	Enabled bool           `json:"enabled"`
	Topics  []TopicSetting `json:"topics"`
}

// TopicSetting is about one topic of a sender.
type TopicSetting struct {
	ID      string `json:"id"`
	Enabled bool   `json:"enabled"`
}

func (s *Settings) channel(id string) *ChannelSetting {
	i := slices.IndexFunc(s.Channels, func(c ChannelSetting) bool { return strings.EqualFold(c.ID, id) })
	if i < 0 {
		return nil
	}
	return &s.Channels[i]
}

func (c *ChannelSetting) origin(id string) *OriginSetting {
	if c == nil {
		return nil
	}
	i := slices.IndexFunc(c.Origins, func(o OriginSetting) bool { return strings.EqualFold(o.ID, id) })
	if i < 0 {
		return nil
	}
	return &c.Origins[i]
}

func (o *OriginSetting) topic(id string) *TopicSetting {
	if o == nil {
		return nil
	}
	i := slices.IndexFunc(o.Topics, func(t TopicSetting) bool { return strings.EqualFold(t.ID, id) })
	if i < 0 {
		return nil
	}
	return &o.Topics[i]
}

// readDefaults reads notifications.defaultSettings.
func readDefaults(s *config.Section) Settings {
	var all Settings
	for _, c := range s.Sections("channels") {
		channel := ChannelSetting{ID: c.String("id", "")}
		if c.Has("enabled") {
			enabled := c.Bool("enabled", true)
			channel.Enabled = &enabled
		}
		for _, o := range c.Sections("origins") {
			origin := OriginSetting{ID: o.String("id", ""), Enabled: o.Bool("enabled", true)}
			for _, t := range o.Sections("topics") {
				origin.Topics = append(origin.Topics, TopicSetting{ID: t.String("id", ""), Enabled: t.Bool("enabled", true)})
			}
			channel.Origins = append(channel.Origins, origin)
		}
		all.Channels = append(all.Channels, channel)
	}
	return all
}

// Settings is what user has chosen, for everything that they have heard of or that is configured.
func (s *Service) Settings(ctx context.Context, user User) (Settings, error) {
	stored, err := s.tables.settings(ctx, []User{user})
	if err != nil {
		return Settings{}, err
	}
	heard, err := s.tables.heard(ctx, user)
	if err != nil {
		return Settings{}, err
	}
	ids := []string{webChannel}
	for _, c := range s.defaults.Channels {
		if !slices.Contains(ids, c.ID) {
			ids = append(ids, c.ID)
		}
		for _, o := range c.Origins {
			heard = append(heard, originTopic{Origin: o.ID})
			for _, t := range o.Topics {
				heard = append(heard, originTopic{Origin: o.ID, Topic: &t.ID})
			}
		}
	}
	chosen := stored[user]
	all := Settings{Channels: []ChannelSetting{}}
	for _, id := range ids {
		all.Channels = append(all.Channels, effective(id, chosen.channel(id), s.defaults.channel(id), heard))
	}
	return all, nil
}

// effective is the setting of a channel for everything in heard: the user's choice, else the default, else what holds
// for the level above.
func effective(id string, chosen, def *ChannelSetting, heard []originTopic) ChannelSetting {
	c := ChannelSetting{ID: id, Origins: []OriginSetting{}}
	switch {
	case chosen != nil && chosen.Enabled != nil:
		c.Enabled = chosen.Enabled
	case def != nil:
		c.Enabled = def.Enabled
	}
	channelDefault := c.Enabled == nil || *c.Enabled
	for _, h := range heard {
		chosenOrigin, defOrigin := chosen.origin(h.Origin), def.origin(h.Origin)
		origin := c.origin(h.Origin)
		if origin == nil {
			enabled := channelDefault
			if chosenOrigin != nil {
				enabled = chosenOrigin.Enabled
			} else if defOrigin != nil {
				enabled = defOrigin.Enabled
			}
			c.Origins = append(c.Origins, OriginSetting{ID: h.Origin, Enabled: enabled, Topics: []TopicSetting{}})
			origin = &c.Origins[len(c.Origins)-1]
		}
		if h.Topic == nil || *h.Topic == "" || origin.topic(*h.Topic) != nil {
			continue
		}
		enabled := origin.Enabled
		if c.Enabled != nil {
			enabled = channelDefault
		}
		if t := chosenOrigin.topic(*h.Topic); t != nil {
			enabled = t.Enabled
		} else if t := defOrigin.topic(*h.Topic); t != nil {
			enabled = t.Enabled
		}
		origin.Topics = append(origin.Topics, TopicSetting{ID: *h.Topic, Enabled: enabled})
	}
	return c
}

// SaveSettings replaces the user's choices.
func (s *Service) SaveSettings(ctx context.Context, user User, chosen Settings) (Settings, error) {
	for i := range chosen.Channels {
		if chosen.Channels[i].ID != webChannel {
			return Settings{}, apierror.Inputf("Invalid channel")
		}
		for _, o := range chosen.Channels[i].Origins {
			if err := checkText("settings", o.ID); err != nil {
				return Settings{}, err
			}
			for _, t := range o.Topics {
				if err := checkText("settings", t.ID); err != nil {
					return Settings{}, err
				}
			}
		}
	}
	if err := s.tables.saveSettings(ctx, user, chosen); err != nil {
		return Settings{}, err
	}
	return s.Settings(ctx, user)
}

// wants reports whether a user with these choices wants what an origin sends about a topic ("" = none).
func (s *Service) wants(chosen Settings, origin, topic string) bool {
	mine, def := chosen.channel(webChannel), s.defaults.channel(webChannel)
	var enabled *bool
	switch {
	case mine != nil && mine.Enabled != nil:
		enabled = mine.Enabled
	case def != nil:
		enabled = def.Enabled
	}
	o := mine.origin(origin)
	if o == nil && (enabled == nil || *enabled) {
		o = def.origin(origin)
	}
	if o == nil {
		return enabled == nil || *enabled
	}
	if t := o.topic(topic); topic != "" && t != nil {
		return t.Enabled
	}
	return o.Enabled
}
